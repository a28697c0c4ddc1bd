/** Requests and dumps: each one dialog on a netlink socket of its own, synchronous and bounded in time. */

import { libioth, type StackPointer } from '../../ffi/ioth.js';
import { errno } from '../../ffi/libc.js';
import {
  AF_NETLINK,
  MSG_DONTWAIT,
  MSG_TRUNC,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  NETLINK_ROUTE,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_NETLINK,
} from '../constants/index.js';
import { IS_LITTLE_ENDIAN, viewOf } from '../core/byte-order.js';
import { codeOf, EAGAIN, EINTR, ENODATA } from '../core/errno.js';
import { IothError, systemError } from '../core/errors.js';
import { msocket } from '../io/msocket.js';
import { READABLE } from '../io/poll-handle.js';
import { waitSync } from '../io/poll-sync.js';
import {
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSGERR_ATTR_MSG,
  type RequestName,
  RTM,
} from './constants.js';
import {
  type Attribute,
  decodeAttributes,
  decodeMessages,
  encodeMessage,
  type Message,
  malformed,
  stringOf,
} from './message.js';

/** How long a stack may be silent, in milliseconds. */
const REPLY_TIMEOUT_MS = 2000;
/** More than the 32 KiB in which the kernel sends a dump. */
const BUFFER_SIZE = 65536;
/** How often a dump starts again when the configuration changes under it. */
const DUMP_ATTEMPTS = 10;
const SOCKADDR_NL_SIZE = 12;
const NLMSGHDR_SIZE = 16;

export interface RequestOptions {
  /** NLM_F_* besides NLM_F_REQUEST. */
  flags?: number;
  attributes?: readonly Attribute[];
  /** What to do, by error code: goes behind the kernel's own text. */
  hints?: Hints;
}

/** By error code; a function where the stack must be asked for more. */
export type Hints = Readonly<Record<string, string | (() => string)>>;

/**
 * Sends one request and waits for its end: an acknowledgement, or the first message of data, since a stack may send
 * no acknowledgement after its data.
 * @returns the data, or undefined
 * @throws {IothError} the stack's own answer; ETIMEDOUT where there is none within 2 s; EBADMSG
 */
export function request(
  stack: StackPointer,
  name: RequestName,
  body: Uint8Array,
  options: RequestOptions = {},
): Message | undefined {
  const { flags = NLM_F_ACK, attributes, hints } = options;
  return withSocket(stack, name, (socket) => {
    const seq = socket.send(body, flags, attributes);
    const message = socket.receive(seq)[0] as Message;
    if (message.type !== NLMSG_ERROR) return message;
    const failure = failureOf(message, name, hints);
    if (failure) throw failure;
    return undefined;
  });
}

/**
 * Asks for everything of a kind.
 * @throws {IothError} as {@link request}; EAGAIN where the configuration changed during each of the attempts
 */
export function dump(stack: StackPointer, name: RequestName, body: Uint8Array): Message[] {
  return withSocket(stack, name, (socket) => {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const seq = socket.send(body, NLM_F_DUMP);
      const messages = collect(socket, seq, name);
      if (messages) return messages;
    }
    throw new IothError('EAGAIN', { syscall: name, hint: 'the configuration keeps changing; try again' });
  });
}

/** All messages up to NLMSG_DONE; undefined where the dump is inconsistent. */
function collect(socket: NetlinkSocket, seq: number, name: RequestName): Message[] | undefined {
  const messages: Message[] = [];
  let interrupted = false;
  for (;;) {
    for (const message of socket.receive(seq)) {
      if ((message.flags & NLM_F_DUMP_INTR) !== 0) interrupted = true;
      if (message.type !== NLMSG_DONE && message.type !== NLMSG_ERROR) {
        messages.push(message);
        continue;
      }
      // NLMSG_DONE starts with an error number as NLMSG_ERROR does; a stack may leave it out
      const failure = message.payload.length === 0 ? undefined : failureOf(message, name);
      if (failure) throw failure;
      return interrupted ? undefined : messages;
    }
  }
}

/**
 * The error in an NLMSG_ERROR or NLMSG_DONE, with the kernel's extended acknowledgement where it sent one.
 * undefined for an acknowledgement: 0, or a positive number (picox).
 */
export function failureOf(message: Message, name: string, hints: Hints = {}): IothError | undefined {
  const { payload } = message;
  if (payload.length < 4) throw malformed(name, `an error of ${payload.length} bytes`);
  const error = -viewOf(payload).getInt32(0, IS_LITTLE_ENDIAN);
  if (error <= 0) return undefined;
  const said = [extendedAck(message, name), hintOf(hints, codeOf(error))].filter(Boolean).join(': ');
  return systemError(error, name, { hint: said === '' ? undefined : said });
}

export function hintOf(hints: Hints | undefined, code: string): string | undefined {
  const hint = hints?.[code];
  return typeof hint === 'function' ? hint() : hint;
}

// struct nlmsgerr: the error, the header of the request, the rest of the request unless capped, the attributes
function extendedAck(message: Message, name: string): string | undefined {
  const { flags, payload, type } = message;
  if ((flags & NLM_F_ACK_TLVS) === 0) return undefined;
  let start = 4;
  if (type === NLMSG_ERROR) {
    start += NLMSGHDR_SIZE;
    if (payload.length < start) throw malformed(name, `an error of ${payload.length} bytes`);
    const requestLength = viewOf(payload).getUint32(4, IS_LITTLE_ENDIAN);
    if ((flags & NLM_F_CAPPED) === 0) start += Math.max(0, requestLength - NLMSGHDR_SIZE);
    start += (4 - (start % 4)) % 4;
  }
  if (start > payload.length) throw malformed(name, `an error whose request is cut off`);
  return stringOf(decodeAttributes(payload.subarray(start), name).get(NLMSGERR_ATTR_MSG));
}

function withSocket<T>(stack: StackPointer, name: RequestName, use: (socket: NetlinkSocket) => T): T {
  const socket = new NetlinkSocket(stack, name);
  try {
    return use(socket);
  } finally {
    socket.close();
  }
}

let lastSeq = 0;

class NetlinkSocket {
  readonly #fd: number;
  readonly #name: RequestName;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_SIZE);

  constructor(stack: StackPointer, name: RequestName) {
    this.#name = name;
    const [fd, error] = msocket(stack, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) throw systemError(error, 'ioth_msocket');
    this.#fd = fd;
    const address = Buffer.alloc(SOCKADDR_NL_SIZE);
    viewOf(address).setUint16(0, AF_NETLINK, IS_LITTLE_ENDIAN);
    if (libioth().bind(this.#fd, address, address.length) < 0) {
      const failure = systemError(errno(), 'ioth_bind');
      this.close();
      throw failure;
    }
    // picox has neither option, and an old kernel only the first
    this.#enable(NETLINK_EXT_ACK);
    this.#enable(NETLINK_GET_STRICT_CHK);
  }

  #enable(option: number): void {
    const on = Buffer.from(new Int32Array([1]).buffer);
    libioth().setsockopt(this.#fd, SOL_NETLINK, option, on, on.length);
  }

  /** @returns the sequence number that the answers have */
  send(body: Uint8Array, flags: number, attributes?: readonly Attribute[]): number {
    lastSeq = (lastSeq % 0x7fffffff) + 1;
    const header = { type: RTM[this.#name], flags: NLM_F_REQUEST | flags, seq: lastSeq };
    const bytes = encodeMessage(header, body, attributes);
    if (libioth().send(this.#fd, bytes, bytes.length, 0) < 0) throw systemError(errno(), this.#name);
    return lastSeq;
  }

  /** The next messages with this sequence number: at least one. */
  receive(seq: number): Message[] {
    const deadline = performance.now() + REPLY_TIMEOUT_MS;
    for (;;) {
      const length = libioth().recv(this.#fd, this.#buffer, BUFFER_SIZE, MSG_DONTWAIT | MSG_TRUNC);
      if (length < 0) {
        const error = errno();
        // picox says ENODATA where there is nothing to read
        if (error !== EAGAIN && error !== ENODATA && error !== EINTR) throw systemError(error, this.#name);
      } else if (length === 0) {
        throw malformed(this.#name, 'nothing');
      } else if (length > BUFFER_SIZE) {
        throw new IothError('EMSGSIZE', { syscall: this.#name, hint: `the stack answered ${length} bytes at once` });
      } else {
        // a copy: the messages outlive the buffer's next use
        const datagram = Buffer.from(this.#buffer.subarray(0, length));
        const messages = decodeMessages(datagram, this.#name).filter((m) => m.seq === seq && m.type !== NLMSG_NOOP);
        if (messages.length > 0) return messages;
      }
      const left = deadline - performance.now();
      if (left <= 0) {
        throw new IothError('ETIMEDOUT', {
          syscall: this.#name,
          hint: `the stack did not answer in ${REPLY_TIMEOUT_MS} ms`,
        });
      }
      if (length < 0) waitSync(this.#fd, READABLE, left);
    }
  }

  close(): void {
    libioth().close(this.#fd);
  }
}
