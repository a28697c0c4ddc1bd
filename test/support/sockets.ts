import { statSync } from 'node:fs';
import {
  type AddressInput,
  AF_INET,
  AF_INET6,
  AF_UNIX,
  type ListeningSocket,
  SOCK_DGRAM,
  SOCK_STREAM,
  type Socket,
  type Stack,
} from 'ioth';
import { READABLE } from '../../lib/io/poll-handle.js';
import { waitSync } from '../../lib/io/poll-sync.js';
import { PATIENCE_MS } from './until.js';

/** A listener on a port that the stack chose, and its address as connect takes it. */
export function listenOn(
  stack: Stack,
  host: string,
  backlog = 128,
): [listener: ListeningSocket, address: [string, number]] {
  const socket = stack.socket(host.includes(':') ? AF_INET6 : AF_INET, SOCK_STREAM);
  socket.bind([host, 0]);
  const listener = socket.listen(backlog);
  return [listener, [host, listener.getsockname().port]];
}

/** A TCP connection from one stack to `host` of another (or the same). */
export async function tcpPair(from: Stack, to: Stack, host: string): Promise<[client: Socket, server: Socket]> {
  const [listener, address] = listenOn(to, host);
  const client = from.socket(listener.family, SOCK_STREAM);
  await client.connect(address);
  const [server] = await listener.accept();
  listener.close();
  return [client, server];
}

/** An abstract name that is this process's alone on the host: processes of two containers may have one number, and one network. */
export function abstractName(what: string): string {
  return `\0ioth-test-${statSync('/proc/self/ns/pid').ino}-${process.pid}-${what}`;
}

/** A connected pair of unix stream sockets at `path`, which may be abstract. */
export async function unixPair(stack: Stack, path: string): Promise<[client: Socket, server: Socket]> {
  const listener = stack.socket(AF_UNIX, SOCK_STREAM);
  listener.bind(path);
  listener.listen();
  const client = stack.socket(AF_UNIX, SOCK_STREAM);
  await client.connect(path);
  const [server] = await listener.accept();
  listener.close();
  return [client, server];
}

/** A UDP socket bound to `host`, and its address as sendto takes it. */
export function udpOn(stack: Stack, host: string): [socket: Socket, address: [string, number]] {
  const socket = stack.socket(host.includes(':') ? AF_INET6 : AF_INET, SOCK_DGRAM);
  socket.bind([host, 0] as AddressInput);
  return [socket, [host, socket.getsockname().port]];
}

/**
 * Blocks until there is something to receive: kernels hand over what comes by loopback a moment later where they have much to do.
 * By poll(2) alone, of which the socket learns nothing.
 */
export function awaitData(socket: Socket): void {
  expect(waitSync(socket.fileno(), READABLE, PATIENCE_MS)).toBe(true);
}

/** Receives until `length` bytes are there or the stream ends. */
export async function receiveAll(socket: Socket, length = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let received = 0;
  while (received < length) {
    const chunk = await socket.recv(Math.min(65536, length - received));
    if (chunk.length === 0) break;
    chunks.push(chunk);
    received += chunk.length;
  }
  return Buffer.concat(chunks);
}

/** Bytes that differ everywhere, so that a piece out of place shows. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + (i >> 16)) & 0xff;
  return bytes;
}

/** Fills the send buffer of a stream socket until it takes no more; the timeout is put back. */
export async function fillSendBuffer(socket: Socket): Promise<number> {
  const timeout = socket.gettimeout();
  socket.settimeout(0);
  const chunk = Buffer.alloc(65536);
  let total = 0;
  try {
    for (let i = 0; i < 10_000; i++) total += await socket.send(chunk);
  } catch (error) {
    if ((error as { code?: string }).code !== 'EAGAIN') throw error;
  }
  socket.settimeout(timeout);
  return total;
}
