import { type EventEmitter, once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import type { Stack } from '../../stack/stack.js';
import { CommandError } from '../command.js';
import { type Endpoint, idleTimer, printListening } from './endpoint.js';

/** Connects standard input and output to a TCP connection, until both directions have ended. */
export async function carryStream(stack: Stack, endpoint: Endpoint): Promise<void> {
  const { signal } = endpoint;
  const socket = endpoint.listens ? await accept(stack, endpoint) : await connect(stack, endpoint);
  const { stdin, stdout } = process;
  const end = () => socket.destroy();
  const idle = idleTimer(endpoint, end);
  signal.addEventListener('abort', end);
  try {
    const closed = once(socket, 'close');
    for (const source of [stdin, socket]) source.on('data', () => idle?.refresh());
    // at a terminal, end our side when the other side has ended: no Ctrl-D is needed
    if (stdin.isTTY) socket.once('end', () => socket.end());
    stdin.pipe(socket);
    socket.pipe(stdout, { end: false });
    if (signal.aborted) end();
    await closed;
  } finally {
    clearTimeout(idle);
    signal.removeEventListener('abort', end);
  }
}

async function connect(stack: Stack, endpoint: Endpoint): Promise<Socket> {
  const { host, port } = endpoint;
  const socket = stack.net.connect({ host: host as string, port, allowHalfOpen: true });
  try {
    await inTime(socket, 'connect', endpoint, `connect ETIMEDOUT ${host}:${port}: no answer`);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function accept(stack: Stack, endpoint: Endpoint): Promise<Socket> {
  const server = stack.net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  try {
    server.listen(endpoint.port, endpoint.host);
    await once(server, 'listening', { signal: endpoint.signal });
    printListening(server.address() as AddressInfo);
    const [socket] = await inTime(server, 'connection', endpoint, 'no connection');
    return socket as Socket;
  } finally {
    server.close();
  }
}

/** Waits for an event that brings the connection. @throws {CommandError} `failure`, if it takes too long */
async function inTime(from: EventEmitter, event: string, endpoint: Endpoint, failure: string): Promise<unknown[]> {
  const { idleMs, signal } = endpoint;
  if (idleMs === undefined) return once(from, event, { signal });
  const limit = AbortSignal.timeout(idleMs);
  try {
    return await once(from, event, { signal: AbortSignal.any([signal, limit]) });
  } catch (error) {
    if (limit.aborted && !signal.aborted) throw new CommandError(`${failure} in ${idleMs / 1000} s`);
    throw error;
  }
}
