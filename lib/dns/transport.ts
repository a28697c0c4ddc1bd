import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { familyOf, ipBytes } from '../address/ip.js';
import { AF_INET, SOCK_DGRAM, SOCK_STREAM } from '../constants/index.js';
import { IothError } from '../core/errors.js';
import type { Socket } from '../socket/socket.js';
import { type DnsMessage, decodeMessage, encodeQuery, isReplyWithId, isResponseTo, type Question } from './message.js';
import type { Nameserver } from './resolv-conf.js';
import type { StackInterface } from './stack-interface.js';

/** Query to one server, in progress. */
export interface Transaction {
  /** The server's response to exactly this query. Rejects with an IothError without one (ETIMEDOUT, ECONNREFUSED, …). */
  readonly response: Promise<DnsMessage>;
  /** Closes the socket; rejects `response` if it is still pending. */
  cancel(): void;
}

/** Local addresses of the stack, one per family. */
export type LocalAddresses = Readonly<Record<'ipv4' | 'ipv6', string>>;

/** Options of a query to one server. */
export interface TransportOptions {
  /** The timeout for the response, in milliseconds. */
  timeout: number;
  /** True if the query has an EDNS record. */
  edns0: boolean;
  /** The source addresses of the query; default: the stack chooses. */
  local?: LocalAddresses;
  /** True: an unreadable UDP reply with the right id is EBADMSG. False (default): it is ignored and the wait goes on. */
  heedsUnreadable?: boolean;
}

/** Starts a query to one server. */
type Query = (stack: StackInterface, server: Nameserver, question: Question, options: TransportOptions) => Transaction;

/** Bytes; more than EDNS asks for. */
const UDP_RECEIVE_SIZE = 4096;
const PORT_ATTEMPTS = 8;
const FIRST_PORT = 1024;
/** Errors of creating a socket that may pass. */
const TRANSIENT_ERRORS = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'EINTR']);
const EXHAUSTED_PAUSE_MS = 20;

/**
 * Asks a server over UDP, from a new socket with a random port and a random id. The socket is connected: only the server's
 * packets reach it, and an ICMP error ends the wait. A response must have the id and the question (RFC 5452, 9.1).
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

/** Asks a server over TCP (RFC 7766), for responses that don't fit in a datagram. */
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

/** Returns the address to bind to; '' means any. */
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
  stack: StackInterface,
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

/** Opens a socket. If the process is out of descriptors, waits for one: that is not a failure of the server. */
async function openSocket(stack: StackInterface, family: number, type: number, isOver: () => boolean): Promise<Socket> {
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

// not every stack picks random ports itself
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
