import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run, TSC, workDirectory } from './support/run.js';

const SAMPLE = `
const stack = new Stack('vdestack', 'null://');
const socket = stack.socket();
console.log(stack.name, socket.type === SOCK_STREAM);
stack.closeSync();
`;

const TYPED = `
import { AF_INET, type Address, IothError, SOCK_STREAM, type Socket, Stack } from 'ioth';
import { libioth } from 'ioth/ffi';

await using stack: Stack = new Stack('vdestack', 'null://');
using socket: Socket = stack.socket(AF_INET, SOCK_STREAM);
const { port, family }: Address = socket.getsockname();
const data: Buffer = await socket.recv(5);
const [connection]: [Socket, Address] = await socket.accept();
if (family === 'IPv4') console.log(port.toFixed(), data.length, connection.fileno(), IothError.name, libioth().close);

// @ts-expect-error the declarations are there: they know what a host is
socket.bind([1, 5000]);
`;

const TYPED_CJS = `
import ioth = require('ioth');
const stack: ioth.Stack = new ioth.Stack('vdestack');
stack.closeSync();
`;

/** The environment as it was before npm ran the tests: its npm_ variables would steer the npm that is run here. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle|command|config_local_prefix)/.test(name)),
);

describe('the package, installed in an empty folder without scripts and dev dependencies', () => {
  const { dir, remove } = workDirectory();
  const consumer = join(dir, 'consumer');
  const installed = join(consumer, 'node_modules/ioth');

  beforeAll(async () => {
    // npm pack runs prepack, which builds
    const packed = await run('npm', ['pack', '--silent', '--pack-destination', dir], { env, limit: 60_000 });
    expect(packed).toMatchObject({ code: 0 });
    const tarball = readdirSync(dir).find((name) => name.endsWith('.tgz')) ?? 'none';
    const quietly = ['--ignore-scripts', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund'];
    const args = ['install', '--prefix', consumer, ...quietly, join(dir, tarball)];
    const { code, stderr } = await run('npm', args, { cwd: dir, env, limit: 60_000 });
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  }, 120_000);

  afterAll(remove);

  it('holds what is built, the guide and the examples, and nothing else', () => {
    const files = readdirSync(installed, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));
    const foreign = files.filter(
      (file) =>
        !/^(dist\/(lib|ffi)\/.+\.(js|d\.ts)|docs\/[\w-]+\.md|examples\/\w+\.ts|README\.md|LICENSE|package\.json)$/.test(
          file,
        ),
    );
    expect(foreign).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining(['dist/lib/index.js', 'dist/lib/index.d.ts', 'dist/ffi/index.js', 'dist/ffi/index.d.ts']),
    );
  });

  it.each([
    ['import', 'esm.mjs', `import { SOCK_STREAM, Stack } from 'ioth';`],
    ['require', 'cjs.cjs', `const { SOCK_STREAM, Stack } = require('ioth');`],
  ])('works by %s', async (_how, file, header) => {
    writeFileSync(join(consumer, file), header + SAMPLE);
    const outcome = await run(process.execPath, [file], { cwd: consumer, env });
    expect(outcome).toEqual({ code: 0, stdout: 'vdestack true\n', stderr: '' });
  });

  it('is typed for strict consumers that check the libraries too', async () => {
    writeFileSync(join(consumer, 'typed.mts'), TYPED);
    writeFileSync(join(consumer, 'typed.cts'), TYPED_CJS);
    copyFileSync(join(ROOT, 'test/support/types/expectations.mts'), join(consumer, 'expectations.mts'));
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022', '--skipLibCheck', 'false'];
    const files = ['typed.mts', 'typed.cts', 'expectations.mts'];
    const outcome = await run(TSC, [...options, ...files], { cwd: consumer, env, limit: 60_000 });
    expect(outcome).toEqual({ code: 0, stdout: '', stderr: '' });
  }, 60_000);
});
