import { AF_INET, IPPROTO_TCP, SOCK_DGRAM, SOCK_STREAM, SOMAXCONN, type Socket, type Stack, TCP_NODELAY } from 'ioth';
import { libioth, type StackPointer } from 'ioth/ffi';
import { portOf, SOCKADDR_IN, sockaddr } from './bare.js';
import { MESSAGE, READ } from './contender.js';

/** Calls that block the thread: what a wake-up costs without a loop. */
export interface Blocking<S> {
  listen(address: string): [socket: S, port: number];
  accept(listener: S): S;
  connect(address: string, port: number): S;
  /** A datagram socket that is bound, or connected where `port` is given. */
  datagram(address: string, port?: number): [socket: S, port: number];
  send(socket: S, message: Uint8Array): void;
  /** Receives; returns the number of bytes. */
  receive(socket: S, buffer: Uint8Array): number;
  /** Sends a datagram back to its sender. */
  echoDatagram(socket: S, buffer: Uint8Array): void;
  close(socket: S): void;
}

/** The `sync` view of this binding. */
export function syncOn(stack: Stack): Blocking<Socket> {
  return {
    listen(address) {
      const listener = stack.socket(AF_INET, SOCK_STREAM);
      listener.bind([address, 0]);
      listener.listen();
      return [listener, listener.getsockname().port];
    },
    accept(listener) {
      const [connection] = listener.sync.accept();
      connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
      return connection;
    },
    connect(address, port) {
      const connection = stack.socket(AF_INET, SOCK_STREAM);
      connection.sync.connect([address, port]);
      connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
      return connection;
    },
    datagram(address, port) {
      const socket = stack.socket(AF_INET, SOCK_DGRAM);
      if (port === undefined) socket.bind([address, 0]);
      else socket.sync.connect([address, port]);
      return [socket, socket.getsockname().port];
    },
    send: (socket, message) => socket.sync.sendall(message),
    receive: (socket, buffer) => socket.sync.recv_into(buffer),
    echoDatagram(socket, buffer) {
      const [length, from] = socket.sync.recvfrom_into(buffer);
      socket.sync.sendto(buffer.subarray(0, length), from);
    },
    close: (socket) => socket.close(),
  };
}

const c = libioth();
const peer = Buffer.alloc(SOCKADDR_IN);
const length = new Uint32Array(1);
const on = new Uint8Array(new Int32Array([1]).buffer);

/** The C functions through koffi on blocking descriptors: no binding in JavaScript can wake up faster. */
export function blockingCalls(stack: StackPointer): Blocking<number> {
  const bound = (fd: number, address: string): [number, number] => {
    check(c.bind(fd, sockaddr({ address, port: 0 }), SOCKADDR_IN));
    return [fd, portOf(fd)];
  };
  return {
    listen(address) {
      const found = bound(check(c.msocket(stack, AF_INET, SOCK_STREAM, 0)), address);
      check(c.listen(found[0], SOMAXCONN));
      return found;
    },
    accept(listener) {
      length[0] = SOCKADDR_IN;
      return noDelay(check(c.accept(listener, peer, length)));
    },
    connect(address, port) {
      const fd = check(c.msocket(stack, AF_INET, SOCK_STREAM, 0));
      check(c.connect(fd, sockaddr({ address, port }), SOCKADDR_IN));
      return noDelay(fd);
    },
    datagram(address, port) {
      const fd = check(c.msocket(stack, AF_INET, SOCK_DGRAM, 0));
      if (port === undefined) return bound(fd, address);
      check(c.connect(fd, sockaddr({ address, port }), SOCKADDR_IN));
      return [fd, portOf(fd)];
    },
    send: (fd, message) => void check(c.send(fd, message, message.length, 0)),
    receive: (fd, buffer) => check(c.recv(fd, buffer, buffer.length, 0)),
    echoDatagram(fd, buffer) {
      length[0] = SOCKADDR_IN;
      const count = check(c.recvfrom(fd, buffer, buffer.length, 0, peer, length));
      check(c.sendto(fd, buffer, count, 0, peer, SOCKADDR_IN));
    },
    close: (fd) => void check(c.close(fd)),
  };
}

function check(result: number): number {
  if (result < 0) throw new Error('a blocking call failed');
  return result;
}

function noDelay(fd: number): number {
  check(c.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, on, on.length));
  return fd;
}

const message = Buffer.alloc(MESSAGE, 'm');
const buffer = Buffer.alloc(READ);

/** The blocking client of the work of `processes.ts`. */
export function blockingClient<S>(
  calls: Blocking<S>,
  work: string,
  address: string,
  port: number,
  count: number,
): void {
  if (work === 'connections') {
    for (let i = 0; i < count; i++) {
      const connection = calls.connect(address, port);
      if (calls.receive(connection, buffer) !== 0) throw new Error('the connection did not end');
      calls.close(connection);
    }
    return;
  }
  const socket = work === 'round trips' ? calls.connect(address, port) : calls.datagram(address, port)[0];
  for (let i = 0; i < count; i++) {
    calls.send(socket, message);
    for (let taken = 0; taken < MESSAGE; ) taken += calls.receive(socket, buffer);
  }
  calls.close(socket);
}

/** The blocking server: returns its port, and a function that serves `count` times. */
export function blockingServer<S>(
  calls: Blocking<S>,
  work: string,
  address: string,
): [number, (count: number) => void] {
  const [socket, port] = work === 'datagrams' ? calls.datagram(address) : calls.listen(address);
  const serve = (count: number) => {
    if (work === 'connections') for (let i = 0; i < count; i++) calls.close(calls.accept(socket));
    else if (work === 'datagrams') for (let i = 0; i < count; i++) calls.echoDatagram(socket, buffer);
    else {
      const connection = calls.accept(socket);
      for (let i = 0; i < count; i++) {
        calls.receive(connection, buffer);
        calls.send(connection, message);
      }
      calls.close(connection);
    }
    calls.close(socket);
  };
  return [port, serve];
}
