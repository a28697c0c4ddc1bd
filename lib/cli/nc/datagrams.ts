import type { RemoteInfo, Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { Stack } from '../../stack/stack.js';
import { type Endpoint, idleTimer, printListening } from './endpoint.js';

/** The size of one datagram, as in nc(1): a single read from a pipe may give more than a datagram holds. */
const MAX_DATAGRAM = 16_384;

/** Sends standard input as datagrams, and prints the datagrams of the peer, until it is interrupted or idle. */
export async function carryDatagrams(stack: Stack, endpoint: Endpoint): Promise<void> {
  const { port, listens } = endpoint;
  const host = listens ? endpoint.host : (await stack.dns.promises.lookup(endpoint.host as string)).address;
  const socket = stack.dgram.createSocket(host !== undefined && isIPv6(host) ? 'udp6' : 'udp4');
  const ended = new AbortController();
  const end = () => ended.abort();
  const idle = idleTimer(endpoint, end);
  const signal = AbortSignal.any([endpoint.signal, ended.signal]);
  const failed = once(socket, 'error', { signal }).then(([error]) => Promise.reject(error));
  // the error may come after the last await
  failed.catch(() => {});
  try {
    const isConnected = once(socket, 'connect', { signal });
    isConnected.catch(() => {});
    printDatagrams(socket, idle, listens);
    if (listens) await bind(socket, port, host, signal);
    else socket.connect(port, host);
    await isConnected;
    await Promise.race([failed, sendInput(socket, idle).then(() => failed)]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearTimeout(idle);
    socket.close();
  }
}

/** Prints the datagrams of the first peer, and connects the socket to it. */
function printDatagrams(socket: Socket, idle: NodeJS.Timeout | undefined, connects: boolean): void {
  let peer: RemoteInfo | undefined;
  socket.on('message', (data, from) => {
    if (connects && !peer) socket.connect(from.port, from.address);
    peer ??= from;
    if (from.port !== peer.port || from.address !== peer.address) return;
    idle?.refresh();
    process.stdout.write(data);
  });
}

async function bind(socket: Socket, port: number, host: string | undefined, signal: AbortSignal): Promise<void> {
  socket.bind(port, host);
  await once(socket, 'listening', { signal });
  printListening(socket.address());
}

async function sendInput(socket: Socket, idle: NodeJS.Timeout | undefined): Promise<void> {
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    idle?.refresh();
    for (let at = 0; at < chunk.length; at += MAX_DATAGRAM) {
      await new Promise<void>((done, fail) => {
        socket.send(chunk.subarray(at, at + MAX_DATAGRAM), (error) => (error ? fail(error) : done()));
      });
    }
  }
}
