import { libioth, type Msghdr } from '../../../ffi/ioth.js';
import { type Address, decodeSockaddr, SOCKADDR_SIZE, type Sockaddr } from '../../address/sockaddr.js';
import { MSG_CMSG_CLOEXEC } from '../../constants/socket.js';
import { checkBytes, checkData, checkEach, checkFlags, checkInteger, INT_MAX } from '../../core/validate.js';
import { READABLE, WRITABLE } from '../../io/poll-handle.js';
import { type Operation, WAIT } from '../../io/wait-queue.js';
import { type AncillaryItem, decodeAncillary, encodeAncillary } from '../cmsg.js';
import type { Descriptor } from '../descriptor.js';
import { call, checkSize } from './call.js';
import { waitOrThrow } from './errors.js';
import { mayBeUnwritten, waitsForErrors } from './receive.js';
import type { Data } from './send.js';

/** Result of recvmsg(2): the bytes or their number, the control messages, the MSG_ flags and the sender's address. */
export type Received<T> = [data: T, ancdata: AncillaryItem[], flags: number, address: Address];

/** RecvMsg operation: recvmsg(2) into buffers, one after the other, with room for `ancbufsize` bytes of control messages. */
class RecvMsg<T> implements Operation<Received<T>> {
  readonly syscall = 'recvmsg';
  readonly direction = READABLE;
  readonly fd: number;
  readonly #buffers: Uint8Array[];

  /** @param dataOf returns the data of so many bytes */
  constructor(
    descriptor: Descriptor,
    readonly family: number,
    buffers: readonly NodeJS.ArrayBufferView[],
    readonly ancbufsize: number,
    readonly flags: number,
    readonly dataOf: (count: number) => T,
  ) {
    this.#buffers = checkEach('buffers', 'an array of buffers', buffers, checkBytes);
    checkInteger('ancbufsize', ancbufsize, 0, INT_MAX);
    this.fd = descriptor.use(this.syscall);
  }

  attempt(): Received<T> | typeof WAIT {
    const name = Buffer.alloc(SOCKADDR_SIZE);
    const control = this.ancbufsize > 0 ? Buffer.alloc(this.ancbufsize) : null;
    const message = messageOf(this.#buffers, name, SOCKADDR_SIZE, control);
    // descriptors that arrive with the message (SCM_RIGHTS) must not leak into children
    const count = libioth().recvmsg(this.fd, message, this.flags | MSG_CMSG_CLOEXEC);
    if (count < 0) return waitOrThrow('recvmsg', undefined, this.flags);
    const ancdata = control ? decodeAncillary(control.subarray(0, message.msg_controllen)) : [];
    const address = decodeSockaddr(name, message.msg_namelen, this.family);
    return [this.dataOf(count), ancdata, message.msg_flags & ~MSG_CMSG_CLOEXEC, address];
  }

  whenShutDown(): Received<T> | typeof WAIT {
    const address = decodeSockaddr(Buffer.alloc(0), 0, this.family);
    return waitsForErrors(this.flags) ? WAIT : [this.dataOf(0), [], 0, address];
  }
}

/** SendMsg operation: sendmsg(2) of the buffers, one after the other, with control messages. */
class SendMsg implements Operation<number> {
  readonly syscall = 'sendmsg';
  readonly direction = WRITABLE;
  readonly fd: number;
  readonly #buffers: Uint8Array[];
  readonly #control: Buffer | null;

  constructor(
    descriptor: Descriptor,
    data: readonly Data[],
    ancdata: readonly AncillaryItem[],
    readonly flags: number,
    readonly to: Sockaddr | undefined,
  ) {
    this.#buffers = checkEach('buffers', 'an array of buffers', data, checkData);
    const control = encodeAncillary(ancdata);
    this.#control = control.length > 0 ? control : null;
    checkFlags(flags);
    this.fd = descriptor.use(this.syscall);
  }

  attempt(): number | typeof WAIT {
    const { fd, flags, to } = this;
    const message = messageOf(this.#buffers, to?.bytes ?? null, to?.length ?? 0, this.#control);
    const count = libioth().sendmsg(fd, message, flags);
    return count >= 0 ? count : waitOrThrow('sendmsg', { address: to?.address, port: to?.port }, flags);
  }
}

function messageOf(buffers: Uint8Array[], name: Uint8Array | null, namelen: number, control: Buffer | null): Msghdr {
  return {
    msg_name: name,
    msg_namelen: namelen,
    msg_iov: buffers.map((buffer) => ({ iov_base: buffer, iov_len: buffer.byteLength })),
    msg_iovlen: buffers.length,
    msg_control: control,
    msg_controllen: control?.length ?? 0,
    msg_flags: 0,
  };
}

/** The calls with control messages. */
export const MESSAGE_CALLS = {
  recvmsg: call(
    (
      { descriptor, family },
      bufsize: number,
      ancbufsize: number = 0,
      flags: number = 0,
    ): Operation<Received<Buffer>> => {
      checkSize(bufsize);
      checkFlags(flags);
      const data = mayBeUnwritten(flags) ? Buffer.alloc(bufsize) : Buffer.allocUnsafe(bufsize);
      return new RecvMsg(descriptor, family, [data], ancbufsize, flags, (count) => data.subarray(0, count));
    },
  ),
  recvmsg_into: call(
    (
      { descriptor, family },
      buffers: readonly NodeJS.ArrayBufferView[],
      ancbufsize: number = 0,
      flags: number = 0,
    ): Operation<Received<number>> => {
      checkFlags(flags);
      return new RecvMsg(descriptor, family, buffers, ancbufsize, flags, (count) => count);
    },
  ),
  sendmsg: call(
    (
      { descriptor },
      buffers: readonly Data[],
      ancdata: readonly AncillaryItem[] = [],
      flags: number = 0,
      addr?: Sockaddr,
    ): Operation<number> => new SendMsg(descriptor, buffers, ancdata, flags, addr),
    ([, , , addr]) => (addr === undefined ? -1 : 3),
    'sendmsg',
  ),
};
