import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Stack } from '../../stack/stack.js';
import { CommandError } from '../command.js';
import { printError } from '../terminal.js';
import { type Endpoint, IdleTimer } from './endpoint.js';

/** Connects standard input and output to a TCP connection, until both directions have ended. */
export async function carryStream(stack: Stack, endpoint: Endpoint): Promise<void> {
  const { signal } = endpoint;
  const socket = endpoint.listens ? await accept(stack, endpoint) : await connect(stack, endpoint);
  const { stdin, stdout } = process;
  const end = () => socket.destroy();
  const idle = new IdleTimer(endpoint.idleMs, end);
  signal.addEventListener('abort', end);
  try {
    const closed = once(socket, 'close');
    for (const source of [stdin, socket]) source.on('data', () => idle.touch());
    // at a terminal, end our side when the other side has ended: no Ctrl-D is needed
    if (stdin.isTTY) socket.once('end', () => socket.end());
    stdin.pipe(socket);
    socket.pipe(stdout, { end: false });
    if (signal.aborted) end();
    await closed;
  } finally {
    idle.stop();
    signal.removeEventListener('abort', end);
  }
}

async function connect(stack: Stack, { host, port, idleMs, signal }: Endpoint): Promise<Socket> {
  const limits = idleMs === undefined ? [signal] : [signal, AbortSignal.timeout(idleMs)];
  const socket = stack.net.connect({ host: host as string, port, allowHalfOpen: true });
  try {
    await once(socket, 'connect', { signal: AbortSignal.any(limits) });
    return socket;
  } catch (error) {
    socket.destroy();
    if (limits.at(-1)?.aborted && !signal.aborted) {
      throw new CommandError(`connect ETIMEDOUT ${host}:${port}: no answer in ${(idleMs as number) / 1000} s`);
    }
    throw error;
  }
}

async function accept(stack: Stack, { host, port, idleMs, signal }: Endpoint): Promise<Socket> {
  const limits = idleMs === undefined ? [signal] : [signal, AbortSignal.timeout(idleMs)];
  const server: Server = stack.net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  try {
    server.listen(port, host);
    await once(server, 'listening', { signal });
    const { address, port: own } = server.address() as AddressInfo;
    printError(`listening on ${address.includes(':') ? `[${address}]` : address}:${own}`);
    const [socket] = (await once(server, 'connection', { signal: AbortSignal.any(limits) })) as [Socket];
    return socket;
  } catch (error) {
    if (limits.at(-1)?.aborted && !signal.aborted) {
      throw new CommandError(`no connection in ${(idleMs as number) / 1000} s`);
    }
    throw error;
  } finally {
    server.close();
  }
}
