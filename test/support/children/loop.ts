/** Shows what keeps the process alive: `loop.ts CASE`. The guard tells when something did, and ends it. */
import { SOCK_DGRAM, type Socket, Stack } from '../../../lib/index.js';

const stack = new Stack('vdestack', 'null://');
stack.linksetupdown(stack.if_nametoindex('lo'), true);

// not to be collected
const sockets: Socket[] = [];

function udp(): Socket {
  const socket = stack.socket(undefined, SOCK_DGRAM);
  socket.bind(['127.0.0.1', 0]);
  sockets.push(socket);
  return socket;
}

function hear(promise: Promise<unknown>): void {
  promise.then(
    () => console.log('done'),
    ({ code }) => console.log(code),
  );
}

const cases: Record<string, () => unknown> = {
  'an idle stack': () => {},
  'an idle socket': () => udp(),
  'a socket that waited': async () => {
    const socket = udp();
    const received = socket.recv(10);
    await socket.sendto('x', ['127.0.0.1', socket.getsockname().port]);
    await received;
  },
  'an operation that was aborted': () => {
    const controller = new AbortController();
    hear(udp().recv(1, 0, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 20);
  },
  'an operation that timed out': () => {
    const socket = udp();
    socket.settimeout(0.05);
    hear(socket.recv(1));
  },
  'an operation': () => hear(udp().recv(1)),
  'an operation of a socket that was unrefed': () => hear(udp().unref().recv(1)),
  'an operation of a socket that is unrefed': () => {
    const socket = udp();
    hear(socket.recv(1));
    setTimeout(() => socket.unref(), 20);
  },
  'an operation of a socket that is refed again': () => {
    const socket = udp().unref();
    hear(socket.recv(1));
    socket.ref();
  },
  'a timeout of a socket that is unrefed': () => {
    const socket = udp().unref();
    socket.settimeout(30);
    hear(socket.recv(1));
  },
  'an operation on a stack that is unrefed': () => {
    hear(udp().recv(1));
    stack.unref();
    hear(udp().recv(1));
  },
  'an operation on a stack that is refed again': () => {
    stack.unref();
    hear(udp().recv(1));
    stack.ref();
  },
  'a refed socket on an unrefed stack': () => {
    stack.unref();
    hear(udp().ref().recv(1));
  },
  'two operations, one of them unrefed': () => {
    hear(udp().unref().recv(1));
    hear(udp().recv(1));
  },
};

process.on('exit', () => console.log('end'));
// each tick is a turn of its own: a machine that rests for a while brings it no nearer
let ticks = 0;
setInterval(() => {
  if (++ticks < 40) return;
  console.log('kept');
  process.exit();
}, 5).unref();
await cases[process.argv[2] ?? '']?.();
