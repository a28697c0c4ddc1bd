import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runText } from '../../support/child.js';
import { useDirectory } from '../../support/directory.js';
import { useNetwork } from '../../support/network.js';
import { hostPort, trap } from '../../support/traps.js';

const lan = useNetwork(1, 'test');
const dir = useDirectory();

const PORT = hostPort(7800);

/** A program with a stack of its own, `stack`, and Node's modules imported before ioth and required after. */
async function program(source: string, ...flags: string[]): Promise<string> {
  const head = `
import { lookup, resolve4, promises } from 'node:dns';
import { connect, createServer, Socket } from 'node:net';
import * as dgram from 'node:dgram';
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { promisify } from 'node:util';
const require = createRequire(import.meta.url);
const before = { listen: require('net').Server.prototype.listen, lookup: require('dns').lookup, fetch: globalThis.fetch,
  dispatcher: globalThis[Symbol.for('undici.globalDispatcher.1')] };
const { Stack, override } = ioth;
const stack = new Stack('vdestack', ${JSON.stringify(lan.vnl)}, '10.0.0.1');
`;
  const { code, stdout, stderr } = await runText(dir.path, `${head}${source}\nawait stack.close();`, { flags });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

it('nothing is patched by an import, or by a stack', async () => {
  const said = await program(`
console.log(before.listen === require('net').Server.prototype.listen, before.lookup === require('dns').lookup,
  before.dispatcher === globalThis[Symbol.for('undici.globalDispatcher.1')]);
stack.run(() => {});
console.log(before.listen === require('net').Server.prototype.listen, before.lookup === require('dns').lookup);`);
  expect(said).toBe('true true true\nfalse false\n');
});

it('nothing is patched where the resolvers of Node are not as expected', async () => {
  const preload = join(dir.path, 'other-node.cjs');
  writeFileSync(
    preload,
    `
const base = Object.getPrototypeOf(require('node:dns').Resolver.prototype);
const initialize = Object.getOwnPropertySymbols(base).find(({ description }) => description.endsWith('initializeHandle'));
delete base[initialize];`,
  );
  const said = await program(
    `
try {
  stack.run(() => {});
} catch ({ code }) {
  console.log(code, before.listen === require('net').Server.prototype.listen);
}`,
    '--require',
    preload,
  );
  expect(said).toBe('ERR_NODE_INTERNALS true\n');
});

it('functions that ESM imported before, and what CommonJS requires after, are on the stack until it is taken back', async () => {
  const trapped = await trap(PORT);
  const said = await program(`
stack.iothdns_setpath('hosts', '/dev/null');
const takeBack = override(stack);
const server = require('net').createServer((socket) => socket.end('on the stack')).listen(${PORT}, '127.0.0.1');
await once(server, 'listening');
const [data] = await once(connect(${PORT}, '127.0.0.1'), 'data');
console.log(String(data));
// who is asked: a server that is not there
console.log(await promisify(lookup)('localhost.localdomain').then(() => 'host', (error) => 'stack'));
console.log(require('dns').getServers(), promises.getServers());
server.close();
takeBack();
console.log(require('dns').getServers().includes('10.0.0.1'));
console.log(await once(connect(${PORT}, '127.0.0.1').resume(), 'end').then(() => 'host'));
stack.closeSync();`);
  expect(said).toBe("on the stack\nstack\n[ '10.0.0.1' ] [ '10.0.0.1' ]\nfalse\nhost\n");
  // the trap hears who is on the host
  expect(trapped.heard).toBe(1);
  await trapped.close();
});

it('a program whose only work is a server on a stack goes on, and ends with it', async () => {
  const said = await program(`
const server = stack.run(() => createServer()).listen(${PORT});
setTimeout(() => server.close(), 300).unref();
await once(server, 'close');
console.log('end');`);
  expect(said).toBe('end\n');
});
