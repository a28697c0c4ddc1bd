import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { type Child, type Exit, start } from '../../support/child.js';
import { useDirectory } from '../../support/directory.js';
import { useNetwork } from '../../support/network.js';
import { type BuiltPackage, builtPackage } from '../../support/package.js';
import { hostPort, type Trap, trap } from '../../support/traps.js';
import { PATIENCE_MS, until } from '../../support/until.js';

/* Programs that know nothing of ioth, in processes of their own. */

const PORT = hostPort(7700);

// one CommonJS, which takes its functions apart before it uses them, one ESM
const SERVER = `
const { createServer } = require('node:http');
const { createSocket } = require('node:dgram');
const server = createServer((request, response) => {
  response.end('hello ' + request.socket.remoteAddress);
  if (request.url === '/end') server.close();
});
server.listen(${PORT}, () => console.log('listening', server.address().port));
server.on('close', () => datagrams.close());
const datagrams = createSocket('udp4', (message, { port, address }) => datagrams.send('udp ' + address, port, address));
datagrams.bind(${PORT});
`;
const CLIENT = `
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
const [host] = process.argv.slice(2);
const [response] = await once(get({ host, port: ${PORT} }), 'response');
for await (const data of response) console.log('http', String(data));
console.log('fetch', await (await fetch('http://' + host + ':${PORT}/')).text());
const socket = createSocket('udp4');
socket.send('?', ${PORT}, host);
console.log(String((await once(socket, 'message'))[0]));
socket.close();
const raw = connect(${PORT}, host);
raw.write('GET /end HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n');
let text = '';
for await (const data of raw) text += data;
console.log('net', text.split('\\r\\n\\r\\n')[1].includes('hello'));
`;

/** As JavaScript: what loads TypeScript does not reach worker threads. */
let built: BuiltPackage;

beforeAll(async () => {
  built = await builtPackage();
});

const lan = useNetwork(1, 'test');
const directory = useDirectory();
let dir: string;
beforeEach(() => {
  dir = directory.path;
});

function registered(file: string, args: string[], env: Record<string, string>): Child {
  const register = pathToFileURL(built.register).href;
  return start(process.execPath, ['--import', register, join(dir, file), ...args], {
    cwd: dir,
    env,
  });
}

const onStack = (number: number | string) => `stack=vdestack,vnl=${lan.vnl},eth,ip=10.0.0.${number}/24`;

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
}

const quiet = (outcome: Exit) => ({ code: outcome.code, stderr: outcome.stderr });

it('two files, server and client, without an import of ioth', async () => {
  write({ 'server.cjs': SERVER, 'client.mjs': CLIENT });
  // the host has somebody on that port, who hears nothing
  const traps: Trap[] = [await trap(PORT)];
  const server = registered('server.cjs', [], { IOTH: onStack(7) });
  await server.says('listening');
  const client = await registered('client.mjs', ['10.0.0.7'], { IOTH: onStack(8) }).exit;
  expect(quiet(client)).toEqual({ code: 0, stderr: '' });
  expect(client.stdout.replaceAll('::ffff:', '')).toBe(
    'http hello 10.0.0.8\nfetch hello 10.0.0.8\nudp 10.0.0.8\nnet true\n',
  );
  expect(quiet(await server.exit)).toEqual({ code: 0, stderr: '' });
  for (const one of traps) {
    expect(one.heard).toBe(0);
    await one.close();
  }
});

it('what was sent is delivered where the program ends at once', async () => {
  // more than the other stack takes where nobody reads, and less than both take; a pump gives its stack what that takes at once
  const length = process.env.IOTH_PUMP === '1' ? 10_000 : 150_000;
  write({
    'exits.cjs': `
const socket = require('net').connect(${PORT}, '10.0.0.1', () => {
  socket.write(Buffer.alloc(${length}), () => {
    require('fs').writeSync(1, 'ends');
    process.exit(3);
  });
});`,
  });
  const [stack] = lan.stacks;
  let received = 0;
  const server = stack!.net.createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {}).on('data', (data) => (received += data.length));
    server.emit('begins', socket);
    socket.on('close', () => server.emit('ends'));
  });
  server.listen(PORT);
  // the end of the program waits for a second at most, in which this process may stand still
  await until('all of it is delivered', async () => {
    received = 0;
    const [begins, ends] = [once(server, 'begins'), once(server, 'ends')];
    const program = registered('exits.cjs', [], { IOTH: onStack(7) });
    await program.says('ends');
    await delay(300);
    const [socket] = await begins;
    socket.resume();
    expect(quiet(await program.exit)).toEqual({ code: 3, stderr: '' });
    await ends;
    return received === length;
  });
});

describe('a child process', () => {
  const PARENT = `
const { fork, execFileSync } = require('node:child_process');
const where = 'Object.values(require("node:os").networkInterfaces()).length';
if (process.argv[2] === 'child') {
  const server = require('net').createServer().listen(${PORT}, '10.0.0.' + process.argv[3]);
  server.on('error', (error) => console.log(process.argv[3], error.code));
  server.on('listening', () => { console.log(process.argv[3], 'ok'); server.close(); });
} else {
  const first = fork(__filename, ['child', '2']);
  first.on('close', () => {
    console.log(execFileSync(process.execPath, [__filename, 'child', '3']).toString().trim());
    fork(__filename, ['child', '4']);
  });
}`;

  it('is on the host', async () => {
    write({ 'parent.cjs': PARENT });
    const outcome = await registered('parent.cjs', [], { IOTH: onStack(9) }).exit;
    expect(quiet(outcome)).toEqual({ code: 0, stderr: expect.stringContaining('IOTH_CHILDREN=1') });
    expect(outcome.stdout).toBe('2 EADDRNOTAVAIL\n3 EADDRNOTAVAIL\n4 EADDRNOTAVAIL\n');
  });

  it('makes a stack of its own with IOTH_CHILDREN=1', async () => {
    write({ 'parent.cjs': PARENT });
    const env = { IOTH: onStack('%d'), IOTH_CHILDREN: '1' };
    const outcome = await registered('parent.cjs', [], env).exit;
    expect(quiet(outcome)).toEqual({ code: 0, stderr: '' });
    expect(outcome.stdout).toBe('2 ok\n3 ok\n4 ok\n');
  });
});

it('its worker threads are on its stack', async () => {
  write({
    'threads.cjs': `
const { Worker, isMainThread } = require('node:worker_threads');
const net = require('net');
if (isMainThread) {
  const server = net.createServer((socket) => socket.end('main')).listen(${PORT}, '10.0.0.7', () => {
    new Worker(__filename).on('exit', (code) => { console.log('exit', code); server.close(); });
  });
} else {
  const socket = net.connect(${PORT}, '10.0.0.7');
  socket.on('data', (data) => console.log(String(data), socket.localAddress));
  socket.on('close', () => net.connect({ port: ${PORT}, host: 'localhost', family: 4 }).on('error', (error) => {
    console.log(error.code);
    require('dns').lookup('localhost', (error, address) => console.log('lookup', error, address.replace('::1', '127.0.0.1')));
    fetch('http://10.0.0.99:8099/', { signal: AbortSignal.timeout(100) }).catch((error) => console.log(error.name, error.cause?.code));
  }));
}`,
  });
  const trapped = await trap(PORT);
  const outcome = await registered('threads.cjs', [], { IOTH: onStack(7) }).exit;
  expect(quiet(outcome)).toEqual({ code: 0, stderr: '' });
  const [data, ...rest] = outcome.stdout.trim().split('\n');
  expect(data).toBe('main 10.0.0.7');
  expect(rest.sort()).toEqual(['ECONNREFUSED', 'TimeoutError undefined', 'exit 0', 'lookup null 127.0.0.1'].sort());
  expect(trapped.heard).toBe(0);
  await trapped.close();
});

it('a datagram socket of a worker thread that is bound asks the main thread nothing', async () => {
  write({
    'bound.cjs': `
const { Worker, isMainThread, workerData: words } = require('node:worker_threads');
if (isMainThread) {
  const words = new Int32Array(new SharedArrayBuffer(8));
  new Worker(__filename, { workerData: words });
  Atomics.waitAsync(words, 0, 0).value.then(() => {
    Atomics.store(words, 1, 1);
    Atomics.notify(words, 1);
    Atomics.wait(words, 0, 1, ${PATIENCE_MS});
    console.log('word', words[0]);
  });
} else {
  const socket = require('node:dgram').createSocket('udp4').bind(${PORT}, '10.0.0.7');
  const tell = (word) => {
    Atomics.store(words, 0, word);
    Atomics.notify(words, 0);
  };
  socket.on('listening', () => {
    tell(1);
    Atomics.wait(words, 1, 0);
    socket.send('to itself', ${PORT}, '10.0.0.7');
  });
  socket.on('message', () => socket.close(() => tell(2)));
}`,
  });
  const outcome = await registered('bound.cjs', [], { IOTH: onStack(7) }).exit;
  expect(outcome).toEqual({ code: 0, stdout: 'word 2\n', stderr: '' });
});

it('a worker thread that gives up a socket, or is terminated while it waits for one, leaves no descriptor', async () => {
  write({
    'waits.cjs': `
const { readdirSync, readlinkSync } = require('node:fs');
const { once } = require('node:events');
const { connect } = require('node:net');
const { setTimeout: delay } = require('node:timers/promises');
const { Worker, isMainThread, parentPort, workerData: word } = require('node:worker_threads');
const isSocket = (fd) => {
  try {
    return readlinkSync('/proc/self/fd/' + fd).startsWith('socket:');
  } catch {
    return false;
  }
};
const sockets = () => readdirSync('/proc/self/fd').filter(isSocket).length;
// nobody listens at this port
const fail = () => new Promise((done) => connect(${PORT}, '10.0.0.7').on('error', ({ code }) => done(code)));

async function start() {
  const word = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(__filename, { workerData: word });
  await once(worker, 'message');
  worker.postMessage('ask');
  Atomics.wait(word, 0, 0);
  return { worker, word };
}

async function main() {
  await fail();
  const before = sockets();
  const patient = await start();
  // until it has given up
  Atomics.wait(patient.word, 0, 1);
  console.log(...(await once(patient.worker, 'message'))[0], sockets() - before);
  const { worker } = await start();
  // it waits, while this thread does not turn
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  await worker.terminate();
  for (let left = ${PATIENCE_MS / 10}; sockets() > before && left > 0; left--) await delay(10);
  console.log(sockets() - before);
}

async function work() {
  const tell = (value) => {
    Atomics.store(word, 0, value);
    Atomics.notify(word, 0);
  };
  parentPort.once('message', async () => {
    tell(1);
    const code = await fail();
    tell(2);
    parentPort.postMessage([code, await fail()]);
  });
  parentPort.postMessage('ready');
}
if (isMainThread) main();
else work();`,
  });
  const outcome = await registered('waits.cjs', [], { IOTH: onStack(7) }).exit;
  expect(outcome).toEqual({ code: 0, stdout: 'ETIMEDOUT ECONNREFUSED 0\n0\n', stderr: '' });
});

it('os has the interfaces of its stack, in its worker threads too', async () => {
  write({
    'os.cjs': `
const { networkInterfaces } = require('node:os');
const { Worker, isMainThread } = require('node:worker_threads');
const shown = Object.entries(networkInterfaces()).map(([name, all]) => name + ' ' + all.map(({ cidr }) => cidr).filter((cidr) => !/^fe80/.test(cidr)));
console.log(shown.join('; '));
if (isMainThread) new Worker(__filename);`,
  });
  const outcome = await registered('os.cjs', [], { IOTH: onStack(7) }).exit;
  const listed = 'lo 127.0.0.1/8,::1/128; vde0 10.0.0.7/24\n';
  expect(outcome).toEqual({ code: 0, stdout: listed + listed, stderr: '' });
});

it('does not start without a stack', async () => {
  write({ 'program.cjs': 'console.log("started")' });
  const unset = await registered('program.cjs', [], { IOTH: '' }).exit;
  expect(unset).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('IOTH is not set') });
  const wrong = await registered('program.cjs', [], { IOTH: 'stack=vdestack,bananas' }).exit;
  expect(wrong).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('bananas') });
});
