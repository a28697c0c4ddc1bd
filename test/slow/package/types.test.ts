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
