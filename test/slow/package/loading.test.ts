import { type Consumer, consumer } from '../../support/consumer.js';

/* The packed package as plain Node loads it. */

let user: Consumer;

beforeAll(async () => {
  user = await consumer(['undici']);
});

afterAll(() => user.remove());

const SAMPLE = `
const stack = new Stack('vdestack', 'null://');
const socket = stack.socket();
console.log(stack.name, socket.type === SOCK_STREAM, typeof libioth().close);
stack.closeSync();
`;

it.each([
  ['import', 'esm.mjs', `import { SOCK_STREAM, Stack } from 'ioth'; import { libioth } from 'ioth/ffi';`],
  ['require', 'cjs.cjs', `const { SOCK_STREAM, Stack } = require('ioth'); const { libioth } = require('ioth/ffi');`],
])('works by %s', async (_how, file, header) => {
  user.write({ [file]: header + SAMPLE });
  expect(await user.node([file])).toEqual({ code: 0, stdout: 'vdestack true function\n', stderr: '' });
});

it.each([
  ['import', 'link.mjs', `import { Link } from 'ioth/lab';`],
  ['require', 'link.cjs', `const { Link } = require('ioth/lab');`],
])('has a link by %s, and its worker thread', async (_how, file, header) => {
  const code = `(async () => {
    const link = await Link.create('null://', 'null://', { loss: 0.5 });
    console.log((await link.stats()).a.received.frames);
    await link.close();
  })();`;
  user.write({ [file]: header + code });
  expect(await user.node([file])).toEqual({ code: 0, stdout: '0\n', stderr: '' });
});

it('is one implementation, whoever loads it', async () => {
  user.write({
    'both.mjs': `
import { createRequire } from 'node:module';
import * as imported from 'ioth';
import * as ffi from 'ioth/ffi';
const require = createRequire(import.meta.url);
for (const [required, namespace] of [[require('ioth'), imported], [require('ioth/ffi'), ffi]]) {
  const names = Object.keys(required);
  const others = Object.keys(namespace).filter((name) => !/^(default|__esModule|module\\.exports)$/.test(name));
  console.log(names.length > 5, names.sort().join() === others.sort().join());
  console.log(names.every((name) => required[name] === namespace[name]));
}
const stack = new imported.Stack('vdestack');
require('ioth').set_defstack(stack);
console.log(imported.get_defstack() === stack, stack instanceof require('ioth').Stack);
try {
  stack.if_nametoindex('none');
} catch (error) {
  console.log(error instanceof imported.IothError, error instanceof require('ioth').IothError);
}
await stack.close();
`,
  });
  const stdout = ['true true', 'true', 'true true', 'true', 'true true', 'true true', ''].join('\n');
  expect(await user.node(['both.mjs'])).toEqual({ code: 0, stdout, stderr: '' });
});

it("finds the program's undici", async () => {
  user.write({
    'undici.mjs': `
import { Stack } from 'ioth';
import { Agent } from 'undici';
const stack = new Stack('vdestack');
console.log(stack.dispatcher() instanceof Agent);
await stack.close();
`,
  });
  expect(await user.node(['undici.mjs'])).toEqual({ code: 0, stdout: 'true\n', stderr: '' });
});

describe('ioth/register', () => {
  const IOTH = 'stack=vdestack,vnl=null://,eth,ip=10.0.0.%d/24';
  const PROGRAM = `
const { createServer } = require('node:net');
const server = createServer().listen(0, '10.0.0.' + process.argv[2], () => {
  console.log(server.address().address);
  server.close();
  if (process.argv[2] === '1') require('node:child_process').fork(__filename, ['2']);
});
server.on('error', ({ code }) => console.log(code));
`;
  beforeAll(() => user.write({ 'program.cjs': PROGRAM }));

  it('is imported: the program waits for its stack, and so do its children', async () => {
    const outcome = await user.node(['--import', 'ioth/register', 'program.cjs', '1'], { IOTH, IOTH_CHILDREN: '1' });
    expect(outcome).toEqual({ code: 0, stdout: '10.0.0.1\n10.0.0.2\n', stderr: '' });
  });

  it('is required where its stack is ready at once', async () => {
    const outcome = await user.node(['--require', 'ioth/register', 'program.cjs', '1'], { IOTH, IOTH_CHILDREN: '1' });
    expect(outcome).toEqual({ code: 0, stdout: '10.0.0.1\n10.0.0.2\n', stderr: '' });
  });

  it('needs IOTH', async () => {
    const { code, stderr } = await user.node(['--import', 'ioth/register', 'program.cjs', '1']);
    expect(code).toBe(1);
    expect(stderr).toContain('IOTH is not set');
  });
});
