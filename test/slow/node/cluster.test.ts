import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { start } from '../../support/child.js';
import { compileSources } from '../../support/compile.js';
import { compiledUrl } from '../../support/compiled.js';
import { useDirectory } from '../../support/directory.js';
import { useNetwork } from '../../support/network.js';
import { hostPort } from '../../support/traps.js';

/* Servers in a worker of node:cluster, whose listening sockets are the primary's where they are the host's. */

const PORT = hostPort(7300);
const lan = useNetwork(1);
const directory = useDirectory();

/** The worker listens, by `listen` on its stack, and says what the host has on that port. */
const program = (listen: string) => `
import cluster from 'node:cluster';
import dgram from 'node:dgram';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { Stack } from ${JSON.stringify(compiledUrl('lib/index.ts'))};

if (cluster.isPrimary) {
  const worker = cluster.fork();
  process.stdin.once('data', () => worker.send('end'));
  process.stdin.unref?.();
  await once(worker, 'exit');
  process.exit();
}
const stack = await Stack.create('stack=vdestack,vnl=' + process.argv[2] + ',eth,ip=' + process.argv[3] + '/24');
const port = ${PORT};
const reply = (socket) => socket.end('hello');
const server = await (${listen})();
await once(server, 'listening');
const datagrams = stack.dgram.createSocket('udp4', (message, { port, address }) => datagrams.send('hello', port, address));
datagrams.bind(port);
await once(datagrams, 'listening');
const onHost = await new Promise((done) => {
  net.connect(port, '127.0.0.1').on('connect', () => done('connected')).on('error', ({ code }) => done(code));
});
const free = dgram.createSocket('udp4').bind({ port, address: '127.0.0.1', exclusive: true });
await once(free, 'listening');
console.log('ready', server.address().port, onHost);
await once(process, 'message');
await stack.close();
process.exit();
`;

it.each([
  ['10.0.0.11', 'a face, a port', 'async () => stack.net.createServer(reply).listen(port)'],
  [
    '10.0.0.12',
    'a face, options and a name',
    "async () => stack.net.createServer(reply).listen({ port, host: 'localhost', backlog: 5 })",
  ],
  [
    '10.0.0.13',
    'a face, an address and a callback',
    'async () => stack.net.createServer(reply).listen(port, process.argv[3], () => {})',
  ],
  ['10.0.0.14', 'run', 'async () => stack.run(() => net.createServer(reply).listen(port))'],
  [
    '10.0.0.15',
    'http, of a face',
    "async () => stack.http.createServer((_, response) => response.end('hello')).listen(port)",
  ],
])('%s: %s', async (address, what, listen) => {
  compileSources();
  const file = join(directory.path, 'program.mjs');
  writeFileSync(file, program(listen));
  const child = start(process.execPath, [file, lan.vnl, address]);
  expect(await child.line('ready')).toBe(`${PORT} ECONNREFUSED`);
  const [stack] = lan.stacks;
  if (!what.includes('name')) {
    const socket = stack!.net.connect(PORT, address);
    socket.write('GET / HTTP/1.0\r\n\r\n');
    expect(String((await once(socket, 'data'))[0])).toContain('hello');
    socket.destroy();
  }
  const datagrams = stack!.dgram.createSocket('udp4');
  datagrams.send('?', PORT, address);
  expect(String((await once(datagrams, 'message'))[0])).toBe('hello');
  datagrams.close();
  child.end('end');
  expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
});
