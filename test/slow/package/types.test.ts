import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../support/compiled.js';
import { type Consumer, consumer } from '../../support/consumer.js';

/* The packed package as strict TypeScript sees it, which checks the declarations too. */

const USES = `
export async function use(stack: Stack): Promise<void> {
  const socket: Socket = stack.socket(AF_INET, SOCK_STREAM);
  const { port, family }: Address = socket.getsockname();
  const data: Buffer = await socket.recv(5);
  const [connection]: [Socket, Address] = await socket.accept();
  if (family === 'IPv4') console.log(port.toFixed(), data.length, connection.fileno(), IothError.name, libioth().close);
  // @ts-expect-error the declarations are there: they know what a host is
  socket.bind([1, 5000]);
}
`;
const IMPORTS = `
import { AF_INET, type Address, IothError, SOCK_STREAM, type Socket, Stack } from 'ioth';
import { libioth } from 'ioth/ffi';
import 'ioth/register';
`;
const MODULE = `${IMPORTS}${USES}
await using stack = new Stack('vdestack');
await use(stack);
// the same types, whoever names them
const required: import('ioth', { with: { 'resolution-mode': 'require' } }).Stack = stack;
required.closeSync();
`;
const REQUIRES = `
import ioth = require('ioth');
const stack: ioth.Stack = new ioth.Stack('vdestack');
use(stack).finally(() => stack.closeSync());
`;

const MATCHERS = `
import { useLab } from 'ioth/lab/jest';
const lab = useLab({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan', bob: 'lan' } });
test('a lab', async () => {
  await expect(lab.hosts.alice).toReach('bob', 80, { timeout: 500 });
  await expect(lab.hosts.alice).not.toBeUnreachable({ from: 'bob' });
  // @ts-expect-error a port is a number
  await expect(lab.hosts.alice).toReach('bob', 'http');
});
`;

const OLD = `
import 'ioth/register';
import { Stack } from 'ioth';
import { libioth } from 'ioth/ffi';
import { Lab } from 'ioth/lab';
import * as onJest from 'ioth/lab/jest';
import * as onNodeTest from 'ioth/lab/node-test';
import { VdePort } from 'ioth/vde';
export const uses = [libioth, Lab.create, onJest.useLab, onNodeTest.useLab, VdePort.open];
export const port = (stack: Stack): number => stack.net.connect(80).localPort ?? 0;
`;

let user: Consumer;

beforeAll(async () => {
  user = await consumer(['typescript', 'typescript5', 'undici-types']);
  const expectations = readFileSync(join(ROOT, 'test/support/types/expectations.mts'), 'utf8');
  user.write({
    'module.mts': MODULE,
    'required.cts': IMPORTS + USES + REQUIRES,
    'expectations.mts': expectations,
    'expectations.cts': expectations,
    'misspelt.ts': "import { Stack } from 'ioth';\nnew Stack({ stack: 'kernel', vln: '' });\n",
  });
});

afterAll(() => user.remove());

const MODES = [
  ['node16', 'node16'],
  ['nodenext', 'nodenext'],
  ['preserve', 'bundler'],
] as const;

// with the types of a browser and without
const COMPILERS = [
  ['typescript', undefined],
  ['typescript5', ['es2023', 'esnext.disposable']],
] as const;

it.each(COMPILERS.flatMap(([compiler, lib]) => MODES.map((mode) => [compiler, ...mode, lib] as const)))(
  '%s: --module %s --moduleResolution %s',
  async (compiler, module, moduleResolution, lib) => {
    const project = `${compiler}-${moduleResolution}.json`;
    user.write({
      [project]: JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          target: 'es2022',
          lib,
          types: ['node'],
          module,
          moduleResolution,
        },
        include: ['*.mts', '*.cts'],
      }),
    });
    const outcome = await user.node([`node_modules/${compiler}/bin/tsc`, '-p', project]);
    expect(outcome).toEqual({ code: 0, stdout: '', stderr: '' });
  },
);

// --module commonjs of TypeScript 5 finds packages as Node.js 10 did
it('has types where packages have no exports, and without esModuleInterop', async () => {
  const options = ['--strict', '--noEmit', '--target', 'es2022', '--module', 'commonjs', '--types', 'node'];
  user.write({ 'old.ts': OLD });
  const outcome = await user.node(['node_modules/typescript5/bin/tsc', ...options, 'old.ts']);
  expect(outcome).toEqual({ code: 0, stdout: '', stderr: '' });
});

it.each([
  ['the globals of @types/jest', '', ['jest', 'node'], []],
  ['@jest/globals', "import { expect, test } from '@jest/globals';", ['node'], ['@jest/globals', 'expect']],
] as const)('has the matchers of a lab with %s', async (_, imported, types, packages) => {
  const jestUser = await consumer(['typescript', '@types/jest', 'undici-types', ...packages]);
  jestUser.write({ 'matchers.test.ts': imported + MATCHERS });
  const options = { strict: true, noEmit: true, target: 'es2022', module: 'nodenext', types };
  jestUser.write({ 'tsconfig.json': JSON.stringify({ compilerOptions: options }) });
  const outcome = await jestUser.node(['node_modules/typescript/bin/tsc', '-p', '.']);
  expect(outcome).toEqual({ code: 0, stdout: '', stderr: '' });
  await jestUser.remove();
});

it('reports a misspelt option by its name', async () => {
  const options = [
    '--ignoreConfig',
    '--strict',
    '--noEmit',
    '--target',
    'es2022',
    '--module',
    'nodenext',
    '--types',
    'node',
  ];
  const { code, stdout } = await user.node(['node_modules/typescript/bin/tsc', ...options, 'misspelt.ts']);
  expect(stdout).toContain("'vln' does not exist in type 'StackOptions'");
  expect(code).not.toBe(0);
});
