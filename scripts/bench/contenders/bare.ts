import {
  AF_INET,
  IPPROTO_TCP,
  inet_aton,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOMAXCONN,
  TCP_NODELAY,
} from 'ioth';
import { errno, libioth, type StackPointer } from 'ioth/ffi';
import { PollHandle, READABLE, WRITABLE } from '#io/poll-handle';
import { BLOCK, type Endpoint, type LocalContender, MESSAGE, restartOnLoss, WINDOW } from './contender.js';

const EAGAIN = 11;
const EINPROGRESS = 115;
const F_SETFL = 4;
export const SOCKADDR_IN = 16;

const block = Buffer.alloc(BLOCK, 'b');
const message = Buffer.alloc(MESSAGE, 'm');
const received = Buffer.alloc(BLOCK);
const peer = Buffer.alloc(SOCKADDR_IN);
const peerLength = new Uint32Array(1);
const on = new Uint8Array(new Int32Array([1]).buffer);
const c = libioth();

/**
 * The C functions through koffi and a poll handle, with callbacks and nothing else: the most that a binding can reach.
 */
export function bareOn(stack: StackPointer): LocalContender<number, number> {
  return {
    name: 'bare koffi',
    async listen(address) {
      const fd = listen(stack, address);
      return [fd, { address, port: portOf(fd) }];
    },
    async accept(listener) {
      let fd = -1;
      await drive(listener, READABLE, () => {
        fd = accept(listener);
        return fd >= 0;
      });
      check(c.fcntl(fd, F_SETFL, SOCK_NONBLOCK));
      check(c.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, on, on.length));
      return fd;
    },
    async connect(to) {
      const fd = open(stack, SOCK_STREAM);
      const started = c.connect(fd, sockaddr(to), SOCKADDR_IN);
      if (started < 0 && errno() !== EINPROGRESS) throw new Error(`connect failed with errno ${errno()}`);
      if (started < 0) await drive(fd, WRITABLE, isWritable());
      check(c.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, on, on.length));
      return fd;
    },
    close: (fd) => check(c.close(fd)),
    sendBulk,
    receiveBulk,
    ping,
    echo,
    connections: (address, count) => connections(stack, address, count),
    datagrams: (address, count) => datagrams(stack, address, count),
  };
}

/** Calls `step` now and whenever the descriptor is ready, until it returns true. */
function drive(fd: number, mask: number, step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      poll.close();
      settle();
    };
    const run = () => {
      try {
        if (step()) end(resolve);
      } catch (error) {
        end(() => reject(error));
      }
    };
    const poll = new PollHandle(fd, mask, run);
    run();
  });
}

/** A result of C: the number, or -1 where the call would wait. */
export function check(result: number): number {
  if (result < 0 && errno() !== EAGAIN) throw new Error(`a socket call failed with errno ${errno()}`);
  return result;
}

// the first step runs at once, before the descriptor is known to be ready
function isWritable(): () => boolean {
  let calls = 0;
  return () => ++calls > 1;
}

export function sockaddr({ address, port }: Endpoint): Buffer {
  const bytes = Buffer.alloc(SOCKADDR_IN);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(inet_aton(address), 4);
  return bytes;
}

export function portOf(fd: number): number {
  const bytes = Buffer.alloc(SOCKADDR_IN);
  check(c.getsockname(fd, bytes, new Uint32Array([SOCKADDR_IN])));
  return bytes.readUInt16BE(2);
}

function open(stack: StackPointer, type: number): number {
  return check(c.msocket(stack, AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

function listen(stack: StackPointer, address: string): number {
  const fd = open(stack, SOCK_STREAM);
  check(c.bind(fd, sockaddr({ address, port: 0 }), SOCKADDR_IN));
  check(c.listen(fd, SOMAXCONN));
  return fd;
}

function accept(listener: number): number {
  peerLength[0] = SOCKADDR_IN;
  return check(c.accept(listener, peer, peerLength));
}

function sendBulk(fd: number, bytes: number): Promise<void> {
  let left = bytes;
  return drive(fd, WRITABLE, () => {
    while (left > 0) {
      const count = check(c.send(fd, block, Math.min(left, BLOCK), 0));
      if (count < 0) return false;
      left -= count;
    }
    return true;
  });
}

function receiveBulk(fd: number, bytes: number): Promise<void> {
  let left = bytes;
  return drive(fd, READABLE, () => {
    while (left > 0) {
      const count = check(c.recv(fd, received, BLOCK, 0));
      if (count < 0) return false;
      if (count === 0) throw new Error(`the stream ended ${left} bytes early`);
      left -= count;
    }
    return true;
  });
}

function ping(fd: number, count: number): Promise<void> {
  check(c.send(fd, message, MESSAGE, 0));
  return answer(fd, count, false);
}

function echo(fd: number, count: number): Promise<void> {
  return answer(fd, count, true);
}

// The messages alternate: after one there is none left to read, so each event is one recv.
function answer(fd: number, count: number, answersLast: boolean): Promise<void> {
  let left = count;
  let length = 0;
  return drive(fd, READABLE, () => {
    const taken = check(c.recv(fd, received, BLOCK, 0));
    if (taken < 0) return false;
    if (taken === 0) throw new Error(`the stream ended ${left} messages early`);
    length += taken;
    if (length < MESSAGE) return false;
    length = 0;
    left--;
    if (left > 0 || answersLast) check(c.send(fd, received, MESSAGE, 0));
    return left === 0;
  });
}

async function connections(stack: StackPointer, address: string, count: number): Promise<number> {
  const listener = listen(stack, address);
  const to = sockaddr({ address, port: portOf(listener) });
  let left = count;
  let client = -1;
  const next = () => {
    client = open(stack, SOCK_STREAM);
    if (c.connect(client, to, SOCKADDR_IN) < 0 && errno() !== EINPROGRESS) throw new Error('connect failed');
  };
  const start = performance.now();
  next();
  // on the loopback an accepted connection is connected at both ends
  await drive(listener, READABLE, () => {
    const server = accept(listener);
    if (server < 0) return false;
    check(c.close(client));
    check(c.close(server));
    if (--left > 0) next();
    return left === 0;
  });
  const elapsed = performance.now() - start;
  check(c.close(listener));
  return elapsed;
}

/** A bound socket, and one that is connected to it. */
export function datagramPair(stack: StackPointer, address: string): [server: number, client: number] {
  const server = open(stack, SOCK_DGRAM);
  const client = open(stack, SOCK_DGRAM);
  check(c.bind(server, sockaddr({ address, port: 0 }), SOCKADDR_IN));
  check(c.connect(client, sockaddr({ address, port: portOf(server) }), SOCKADDR_IN));
  return [server, client];
}

async function datagrams(stack: StackPointer, address: string, count: number): Promise<number> {
  const [server, client] = datagramPair(stack, address);
  const echoing = new PollHandle(server, READABLE, () => {
    for (;;) {
      peerLength[0] = SOCKADDR_IN;
      const length = c.recvfrom(server, received, BLOCK, 0, peer, peerLength);
      if (length < 0) return;
      c.sendto(server, received, length, 0, peer, SOCKADDR_IN);
    }
  });

  let left = count;
  const fill = () => {
    for (let i = 0; i < WINDOW; i++) check(c.send(client, message, MESSAGE, 0));
  };
  const stopWatch = restartOnLoss(() => left, fill);
  const start = performance.now();
  fill();
  await drive(client, READABLE, () => {
    while (left > 0) {
      if (check(c.recv(client, received, BLOCK, 0)) < 0) return false;
      left--;
      check(c.send(client, message, MESSAGE, 0));
    }
    return true;
  });
  const elapsed = performance.now() - start;
  stopWatch();
  echoing.close();
  check(c.close(server));
  check(c.close(client));
  return elapsed;
}
