import { libioth, type StackPointer } from '../../ffi/ioth.js';
import { errno } from '../../ffi/libc.js';
import { encodeSockaddr } from '../address/sockaddr.js';
import { NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK, NETLINK_ROUTE } from '../constants/netlink.js';
import { AF_NETLINK, MSG_DONTWAIT, MSG_TRUNC, SOCK_CLOEXEC, SOCK_RAW, SOL_NETLINK } from '../constants/socket.js';
import { EAGAIN, EINTR, ENODATA } from '../core/errno.js';
import { IothError, systemError } from '../core/errors.js';
import { msocket } from '../io/msocket.js';
import { READABLE } from '../io/poll-handle.js';
import { waitSync } from '../io/poll-sync.js';
import { NLM_F_REQUEST, NLMSG_NOOP, type RequestName, RTM } from './constants.js';
import { type Attribute, decodeMessages, encodeMessage, type Message, malformed } from './message.js';

/** The longest wait for a reply. */
const REPLY_TIMEOUT_MS = 2000;
/** The receive buffer, larger than the 32 KiB pieces in which the kernel sends a dump. */
const buffer = Buffer.allocUnsafeSlow(65536);
const anyAddress = encodeSockaddr(AF_NETLINK, {}, () => 0);
const on = Buffer.from(Int32Array.of(1).buffer);
let lastSeq = 0;

/** Encodes a request, which gets a sequence number of its own. */
export function encodeRequest(
  name: RequestName,
  body: Uint8Array,
  flags: number,
  attributes?: readonly Attribute[],
): { bytes: Buffer; seq: number } {
  lastSeq = (lastSeq % 0x7fffffff) + 1;
  const header = { type: RTM[name], flags: NLM_F_REQUEST | flags, seq: lastSeq };
  return { bytes: encodeMessage(header, body, attributes), seq: lastSeq };
}

/** An rtnetlink socket of a stack. It blocks for at most {@link REPLY_TIMEOUT_MS}. */
export class NetlinkSocket {
  readonly #fd: number;

  /** @param name the name of the requests that follow */
  constructor(
    stack: StackPointer,
    public name: RequestName,
  ) {
    const [fd, error] = msocket(stack, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) throw systemError(error, 'ioth_msocket');
    this.#fd = fd;
    if (libioth().bind(fd, anyAddress.bytes, anyAddress.length) < 0) {
      const failure = systemError(errno(), 'ioth_bind');
      this.close();
      throw failure;
    }
    // picox has neither option, an old kernel only the first
    for (const option of [NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK]) {
      libioth().setsockopt(fd, SOL_NETLINK, option, on, on.length);
    }
  }

  /** Sends requests. */
  send(bytes: Uint8Array): void {
    if (libioth().send(this.#fd, bytes, bytes.length, 0) < 0) throw systemError(errno(), this.name);
  }

  /** Returns the next messages with such a sequence number, at least one. @throws {IothError} ETIMEDOUT */
  receive(isAnswer: (seq: number) => boolean): Message[] {
    const deadline = performance.now() + REPLY_TIMEOUT_MS;
    for (;;) {
      const datagram = this.#receiveDatagram();
      const all = datagram ? decodeMessages(datagram, this.name) : [];
      const messages = all.filter(({ seq, type }) => isAnswer(seq) && type !== NLMSG_NOOP);
      if (messages.length > 0) return messages;
      const left = deadline - performance.now();
      if (left <= 0) {
        const hint = `the stack did not reply in ${REPLY_TIMEOUT_MS} ms`;
        throw new IothError('ETIMEDOUT', { syscall: this.name, hint });
      }
      if (!datagram) waitSync(this.#fd, READABLE, left);
    }
  }

  close(): void {
    libioth().close(this.#fd);
  }

  /** Returns a copy of the next datagram, which outlives the buffer's next use; undefined if there is none. */
  #receiveDatagram(): Buffer | undefined {
    const length = libioth().recv(this.#fd, buffer, buffer.length, MSG_DONTWAIT | MSG_TRUNC);
    if (length < 0) {
      const error = errno();
      // picox fails with ENODATA if there is nothing to read
      if (error === EAGAIN || error === ENODATA || error === EINTR) return undefined;
      throw systemError(error, this.name);
    }
    if (length === 0) throw malformed(this.name, 'nothing');
    if (length > buffer.length) {
      throw new IothError('EMSGSIZE', { syscall: this.name, hint: `the stack sent ${length} bytes at once` });
    }
    return Buffer.from(buffer.subarray(0, length));
  }
}
