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

/** A server of two workers, which the primary asks for both answers. */
const REGISTERED = `
import cluster from 'node:cluster';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

if (cluster.isPrimary) {
  const workers = [cluster.fork(), cluster.fork()];
  await Promise.all(workers.map((worker) => once(worker, 'listening')));
  const heard = new Set();
  while (heard.size < 2) heard.add(await (await fetch('http://127.0.0.1:${PORT}/')).text());
  const onHost = await new Promise((done) => {
    net.connect(${PORT}, process.argv[2]).on('connect', () => done('connected')).on('error', ({ code }) => done(code));
  });
  console.log('ready', heard.size, onHost);
  process.stdin.once('data', () => workers.forEach((worker) => worker.kill()));
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  process.exit();
}
const server = http.createServer((_, response) => response.setHeader('connection', 'close').end('worker ' + cluster.worker.id));
server.listen(${PORT});
`;

it('under ioth/register with IOTH_CHILDREN=1, workers share a port of their primary’s stack', async () => {
  compileSources();
  const file = join(directory.path, 'registered.mjs');
  writeFileSync(file, REGISTERED);
  const env = { IOTH: `stack=vdestack,vnl=${lan.vnl},eth,ip=10.0.0.2%d/24`, IOTH_CHILDREN: '1' };
  const register = compiledUrl('lib/stack/register-imported.mjs');
  const child = start(process.execPath, ['--import', register, file, '10.0.0.22'], { env });
  expect(await child.line('ready')).toBe('2 ECONNREFUSED');
  const [stack] = lan.stacks;
  const response = await stack!.fetch(`http://10.0.0.21:${PORT}/`);
  expect(await response.text()).toMatch(/^worker [12]$/);
  child.end('end');
  expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
});

/** Only its worker is on a stack. */
const ON_HOST = `
import cluster from 'node:cluster';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

if (cluster.isPrimary) {
  cluster.setupPrimary({ execArgv: ['--import', process.argv[2]] });
  const worker = cluster.fork();
  const [address] = await once(worker, 'message');
  const onHost = await new Promise((done) => {
    net.connect(${PORT}, '127.0.0.1').on('connect', () => done('connected')).on('error', ({ code }) => done(code));
  });
  console.log('ready', address, onHost);
  process.stdin.once('data', () => worker.kill());
  await once(worker, 'exit');
  process.exit();
}
const server = http.createServer((_, response) => response.end('of the worker')).listen(${PORT}, '10.0.0.31');
server.on('listening', () => process.send(server.address().address));
`;

it('a worker under ioth/register whose primary is on the host listens on its stack', async () => {
  compileSources();
  const file = join(directory.path, 'on-host.mjs');
  writeFileSync(file, ON_HOST);
  const env = { IOTH: `stack=vdestack,vnl=${lan.vnl},eth,ip=10.0.0.31/24`, IOTH_CHILDREN: '0' };
  const child = start(process.execPath, [file, compiledUrl('lib/stack/register-imported.mjs')], { env });
  expect(await child.line('ready')).toBe('10.0.0.31 ECONNREFUSED');
  const [stack] = lan.stacks;
  expect(await (await stack!.fetch(`http://10.0.0.31:${PORT}/`)).text()).toBe('of the worker');
  child.end('end');
  expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
});
