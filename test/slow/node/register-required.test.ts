import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Exit, run } from '../../support/child.js';
import { useDirectory } from '../../support/directory.js';
import { type BuiltPackage, builtPackage } from '../../support/package.js';

/* `node -r ioth/register`, where the stack is ready at once; and what is said of child processes. */

let built: BuiltPackage;
beforeAll(async () => {
  built = await builtPackage();
});

const directory = useDirectory();
const IOTH = 'stack=vdestack,vnl=null://,eth,ip=10.0.0.%d/24';
const NOTE = "ioth/register: a child process is on the host's network";
const UNSET = { NODE_OPTIONS: undefined, IOTH_CHILD: undefined, IOTH_CHILDREN: undefined };

/** Says whether it has an address, 10.0.0.NUMBER; asked for a way, it starts children that do so. */
const PROGRAM = `
const { fork, spawnSync } = require('node:child_process');
const [number, way] = process.argv.slice(2);
const server = require('node:net').createServer().listen(0, '10.0.0.' + number);
server.on('error', ({ code }) => console.log(number, code));
server.on('listening', () => { console.log(number, 'ok'); server.close(); });
server.on('close', () => {
  if (way === 'children') fork(__filename, ['2']).on('exit', () => process.stdout.write(spawnSync(process.execPath, [__filename, '3']).stdout));
  if (way === 'other options') spawnSync(process.execPath, [__filename, '2'], { env: { ...process.env, NODE_OPTIONS: '--no-warnings' }, stdio: 'inherit' });
  if (way === 'bare thread') new (require('node:worker_threads').Worker)(__filename, { argv: ['1'], execArgv: [] });
  if (way === 'thread') new (require('node:worker_threads').Worker)(__filename, { argv: ['1'] });
});
`;

function register(flag: '--require' | '--import', args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Exit> {
  const files = {
    '--require': join(built.directory, 'dist/lib/stack/register-required.js'),
    '--import': pathToFileURL(built.register).href,
  };
  writeFileSync(join(directory.path, 'program.cjs'), PROGRAM);
  const options = { cwd: directory.path, env: { ...UNSET, IOTH, ...env } };
  return run(process.execPath, [flag, files[flag], ...args], options);
}

describe('node --require ioth/register', () => {
  it.each([
    [[], {}, '1 ok\n'],
    [['thread'], {}, '1 ok\n1 ok\n'],
    [['bare thread'], {}, '1 ok\n1 ok\n'],
    [['children'], { IOTH_CHILDREN: '1' }, '1 ok\n2 ok\n3 ok\n'],
  ])('the program is on its stack, %j %j', async (args, env, stdout) => {
    const exit = await register('--require', ['program.cjs', '1', ...args], env);
    expect(exit).toEqual({ code: 0, stdout, stderr: '' });
  });

  it('Node children find it where its path has a blank', async () => {
    const spaced = join(directory.path, 'a "b" c');
    mkdirSync(spaced);
    symlinkSync(built.directory, join(spaced, 'package'));
    writeFileSync(join(directory.path, 'program.cjs'), PROGRAM);
    const file = join(spaced, 'package/dist/lib/stack/register-required.js');
    const flags = ['--preserve-symlinks', '--require', file, 'program.cjs', '1', 'children'];
    const options = { cwd: directory.path, env: { ...UNSET, IOTH, IOTH_CHILDREN: '1' } };
    expect(await run(process.execPath, flags, options)).toEqual({ code: 0, stdout: '1 ok\n2 ok\n3 ok\n', stderr: '' });
    rmSync(spaced, { recursive: true });
  });

  it('another preload that loads the program has its say', async () => {
    const hook = "require.extensions['.odd'] = (module) => module._compile('console.log(1)', module.filename);";
    writeFileSync(join(directory.path, 'hook.cjs'), hook);
    writeFileSync(join(directory.path, 'main.odd'), 'this is no JavaScript');
    const exit = await register('--require', ['--require', './hook.cjs', 'main.odd']);
    expect(exit).toEqual({ code: 0, stdout: '1\n', stderr: '' });
  });

  it.each(['dhcp', 'dhcp6', 'rd'])('a stack that waits for %s: it says what to do', async (item) => {
    const exit = await register('--require', ['program.cjs', '1'], { IOTH: `stack=vdestack,vnl=null://,eth,${item}` });
    expect(exit).toMatchObject({ code: 1, stdout: '' });
    expect(exit.stderr).toContain('ERR_IOTH_REGISTER');
    expect(exit.stderr).toContain('node --import ioth/register');
  });
});

describe('child processes that go to the host', () => {
  const OUTPUT = '1 ok\n2 EADDRNOTAVAIL\n3 EADDRNOTAVAIL\n';

  it.each(['--require', '--import'] as const)('%s: it is said once', async (flag) => {
    const { code, stdout, stderr } = await register(flag, ['program.cjs', '1', 'children']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: OUTPUT });
    expect(stderr).toMatch(new RegExp(`^${NOTE}.*IOTH_CHILDREN=1.*IOTH_CHILDREN=0.*\n$`));
  });

  it('it is not said with IOTH_CHILDREN=0', async () => {
    const exit = await register('--import', ['program.cjs', '1', 'children'], { IOTH_CHILDREN: '0' });
    expect(exit).toEqual({ code: 0, stdout: OUTPUT, stderr: '' });
  });

  it('with IOTH_CHILDREN=1 it is said of one that has NODE_OPTIONS of its own', async () => {
    const exit = await register('--import', ['program.cjs', '1', 'other options'], { IOTH_CHILDREN: '1' });
    expect(exit).toEqual({ code: 0, stdout: '1 ok\n2 EADDRNOTAVAIL\n', stderr: expect.stringContaining(NOTE) });
  });
});
