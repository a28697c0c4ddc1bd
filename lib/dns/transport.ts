import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { familyOf, ipBytes } from '../address/ip.js';
import { AF_INET, SOCK_DGRAM, SOCK_STREAM } from '../constants/socket.js';
import { untilAborted } from '../core/abort.js';
import { IothError } from '../core/errors.js';
import type { Socket } from '../socket/socket.js';
import { type DnsMessage, decodeMessage, encodeQuery, isReplyWithId, isResponseTo, type Question } from './message.js';
import type { Nameserver } from './resolv-conf.js';
import type { StackInterface } from './stack-interface.js';

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
  /** Closes the socket. */
  signal: AbortSignal;
}

/** Asks a server on a new socket. `limitWait` sets the socket's timeout to what is left of the time. */
type Exchange = (
  socket: Socket,
  server: Nameserver,
  question: Question,
  options: TransportOptions,
  limitWait: () => void,
) => Promise<DnsMessage>;

/** Bytes; more than EDNS asks for. */
const UDP_RECEIVE_SIZE = 4096;
const PORT_ATTEMPTS = 8;
const FIRST_PORT = 1024;
/** Errors of creating a socket that may pass. */
const TRANSIENT_ERRORS = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'EINTR']);
const EXHAUSTED_PAUSE_MS = 20;

/**
 * Sends a query to one server. Returns the server's response to exactly this query; rejects with an IothError without one
 * (ETIMEDOUT, ECONNREFUSED, …), and if the signal comes first.
 */
export async function queryServer(
  stack: StackInterface,
  server: Nameserver,
  question: Question,
  isTcp: boolean,
  options: TransportOptions,
): Promise<DnsMessage> {
  const { timeout, signal } = options;
  let deadline = performance.now() + timeout;
  const isOver = () => signal.aborted || performance.now() > deadline;
  const socket = await openSocket(stack, familyOf(server.address), isTcp ? SOCK_STREAM : SOCK_DGRAM, isOver);
  // a wait for a descriptor was not the server's
  deadline = performance.now() + timeout;
  const limitWait = () => {
    const left = deadline - performance.now();
    if (left <= 0) throw new IothError('ETIMEDOUT', { syscall: 'recv' });
    socket.settimeout(left / 1000);
  };
  try {
    const ask = isTcp ? askByTcp : askByUdp;
    return await untilAborted(ask(socket, server, question, options, limitWait), signal);
  } finally {
    socket.close();
  }
}

/**
 * Asks a server over UDP, from a new socket with a random port and a random id. The socket is connected: only the server's
 * packets reach it, and an ICMP error ends the wait. A response must have the id and the question (RFC 5452, 9.1).
 */
const askByUdp: Exchange = async (socket, server, question, options, limitWait) => {
  bindToRandomPort(socket, localAddress(server, options));
  await socket.connect([server.address, server.port]);
  const id = randomInt(0x10000);
  await socket.send(encodeQuery(id, question, options));
  const source = ipBytes(server.address);
  for (;;) {
    limitWait();
    const [bytes, from] = await socket.recvfrom(UDP_RECEIVE_SIZE);
    if (from.port !== server.port || Buffer.compare(ipBytes(from.address), source) !== 0) continue;
    const message = decodeMessage(bytes);
    if (message && isResponseTo(message, id, question)) return message;
    if (!message && options.heedsUnreadable && isReplyWithId(bytes, id)) {
      throw new IothError('EBADMSG', { syscall: 'recv' });
    }
  }
};

/** Asks a server over TCP (RFC 7766), for responses that don't fit in a datagram. */
const askByTcp: Exchange = async (socket, server, question, options, limitWait) => {
  limitWait();
  const local = localAddress(server, options);
  if (local) socket.bind([local, 0]);
  await socket.connect([server.address, server.port]);
  const id = randomInt(0x10000);
  const query = encodeQuery(id, question, options);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  await socket.sendall(Buffer.concat([length, query]));
  const size = (await receiveExactly(socket, 2, limitWait)).readUInt16BE(0);
  const message = decodeMessage(await receiveExactly(socket, size, limitWait));
  if (!message || !isResponseTo(message, id, question)) throw new IothError('EBADMSG', { syscall: 'recv' });
  return message;
};

/** Returns the address to bind to; '' means any. */
function localAddress({ address }: Nameserver, { local }: TransportOptions): string {
  return local?.[familyOf(address) === AF_INET ? 'ipv4' : 'ipv6'] ?? '';
}

async function receiveExactly(socket: Socket, size: number, limitWait: () => void): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let missing = size; missing > 0; ) {
    limitWait();
    const part = await socket.recv(missing);
    if (part.length === 0) throw new IothError('ECONNRESET', { syscall: 'recv', hint: 'the server closed too early' });
    missing -= part.length;
    parts.push(part);
  }
  return Buffer.concat(parts);
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
