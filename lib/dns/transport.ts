import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { familyOf, ipBytes } from '../address/ip.js';
import { AF_INET, SOCK_DGRAM, SOCK_STREAM } from '../constants/index.js';
import { IothError } from '../core/errors.js';
import type { Socket } from '../socket/socket.js';
import { type DnsMessage, decodeMessage, encodeQuery, isReplyWithId, isResponseTo, type Question } from './message.js';
import type { Nameserver } from './resolv-conf.js';
import type { ResolverStack } from './resolver-stack.js';

/** A query on its way to one server. */
export interface Transaction {
  /** The server's response to exactly that query; an IothError where there is none (ETIMEDOUT, ECONNREFUSED, …). */
  readonly response: Promise<DnsMessage>;
  /** Closes its socket; `response` is rejected if it is still pending. */
  cancel(): void;
}

/** An address of the stack's for each family. */
export type LocalAddresses = Readonly<Record<'ipv4' | 'ipv6', string>>;

/** How a server is asked. */
export interface TransportOptions {
  /** Milliseconds that it has for a response. */
  timeout: number;
  /** Whether the query has an EDNS record. */
  edns0: boolean;
  /** Where the query comes from; else the stack chooses. */
  local?: LocalAddresses;
  /** Whether a reply by UDP that has the id and cannot be read is EBADMSG: else the wait goes on. */
  heedsUnreadable?: boolean;
}

/** Starts one. */
type Query = (stack: ResolverStack, server: Nameserver, question: Question, options: TransportOptions) => Transaction;

/** More than EDNS asks for. */
const UDP_RECEIVE_SIZE = 4096;
const PORT_ATTEMPTS = 8;
const FIRST_PORT = 1024;
/** Why a socket can't be had now. */
const TRANSIENT_ERRORS = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'EINTR']);
const EXHAUSTED_PAUSE_MS = 20;

/**
 * Asks a server by UDP from a fresh socket: random port, random id. The socket is connected, so that only the server's
 * packets reach it and an ICMP error ends the wait; what comes must have the id and the question (RFC 5452, 9.1).
 */
export const queryUdp: Query = (stack, server, question, options) =>
  overSocket(stack, server, SOCK_DGRAM, options.timeout, async (socket) => {
    bindToRandomPort(socket, localAddress(server, options));
    await socket.connect([server.address, server.port]);
    const id = randomInt(0x10000);
    await socket.send(encodeQuery(id, question, options));
    const deadline = performance.now() + options.timeout;
    const source = ipBytes(server.address);
    for (;;) {
      const left = deadline - performance.now();
      if (left <= 0) throw new IothError('ETIMEDOUT', { syscall: 'recv' });
      socket.settimeout(left / 1000);
      const [bytes, from] = await socket.recvfrom(UDP_RECEIVE_SIZE);
      if (from.port !== server.port || Buffer.compare(ipBytes(from.address), source) !== 0) continue;
      const message = decodeMessage(bytes);
      if (message && isResponseTo(message, id, question)) return message;
      if (!message && options.heedsUnreadable && isReplyWithId(bytes, id)) {
        throw new IothError('EBADMSG', { syscall: 'recv' });
      }
    }
  });

/** Asks a server by TCP (RFC 7766): for responses that don't fit in a datagram. */
export const queryTcp: Query = (stack, server, question, options) =>
  overSocket(stack, server, SOCK_STREAM, options.timeout, async (socket) => {
    const deadline = performance.now() + options.timeout;
    const limit = () => socket.settimeout(Math.max(1, deadline - performance.now()) / 1000);
    limit();
    const local = localAddress(server, options);
    if (local) socket.bind([local, 0]);
    await socket.connect([server.address, server.port]);
    const id = randomInt(0x10000);
    const query = encodeQuery(id, question, options);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    await socket.sendall(Buffer.concat([length, query]));
    const size = (await receiveExactly(socket, 2, limit)).readUInt16BE(0);
    const message = decodeMessage(await receiveExactly(socket, size, limit));
    if (!message || !isResponseTo(message, id, question)) throw new IothError('EBADMSG', { syscall: 'recv' });
    return message;
  });

/** '' for any. */
function localAddress({ address }: Nameserver, { local }: TransportOptions): string {
  return local?.[familyOf(address) === AF_INET ? 'ipv4' : 'ipv6'] ?? '';
}

async function receiveExactly(socket: Socket, size: number, limit: () => void): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let missing = size; missing > 0; ) {
    limit();
    const part = await socket.recv(missing);
    if (part.length === 0) throw new IothError('ECONNRESET', { syscall: 'recv', hint: 'the server closed too early' });
    missing -= part.length;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function overSocket(
  stack: ResolverStack,
  server: Nameserver,
  type: number,
  timeout: number,
  exchange: (socket: Socket) => Promise<DnsMessage>,
): Transaction {
  let socket: Socket | undefined;
  let isCancelled = false;
  const run = async () => {
    const deadline = performance.now() + timeout;
    const isOver = () => isCancelled || performance.now() > deadline;
    socket = await openSocket(stack, familyOf(server.address), type, isOver);
    try {
      return await exchange(socket);
    } finally {
      socket.close();
    }
  };
  const cancel = () => {
    isCancelled = true;
    socket?.close();
  };
  return { response: run(), cancel };
}

/** Where the process is out of descriptors it waits for one: that is no failure of the server. */
async function openSocket(stack: ResolverStack, family: number, type: number, isOver: () => boolean): Promise<Socket> {
  for (;;) {
    try {
      return stack.socket(family, type);
    } catch (error) {
      const isTransient = error instanceof IothError && TRANSIENT_ERRORS.has(error.code);
      if (!isTransient || isOver()) throw error;
    }
    await delay(EXHAUSTED_PAUSE_MS);
    if (isOver()) throw new IothError('ECANCELED', { syscall: 'socket' });
  }
}

// not every stack picks ports at random by itself
function bindToRandomPort(socket: Socket, local: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      socket.bind([local, randomInt(FIRST_PORT, 0x10000)]);
      return;
    } catch (error) {
      const isTaken = error instanceof IothError && error.code === 'EADDRINUSE';
      if (!isTaken || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}
