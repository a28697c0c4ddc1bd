import { libioth, type Msghdr } from '../../../ffi/ioth.js';
import { type Address, decodeSockaddr, SOCKADDR_SIZE, type Sockaddr } from '../../address/sockaddr.js';
import { MSG_CMSG_CLOEXEC } from '../../constants/index.js';
import { checkBytes, checkData, checkFlags, checkInteger, INT_MAX, invalidType } from '../../core/validate.js';
import { READABLE, WRITABLE } from '../../io/poll-handle.js';
import { type Operation, WAIT } from '../../io/wait-queue.js';
import { type AncillaryItem, CMSG_SPACE, decodeAncillary, encodeAncillary } from '../cmsg.js';
import type { Descriptor } from '../descriptor.js';
import { waitOrThrow } from './errors.js';
import { waitsForErrors } from './receive.js';
import type { Data } from './send.js';

/** Result of recvmsg(2): the bytes or their number, the control messages, the MSG_ flags and the sender's address. */
export type Received<T> = [data: T, ancdata: AncillaryItem[], flags: number, address: Address];

/** Creates recvmsg(2) into `bufsize` new bytes, with room for `ancbufsize` bytes of control messages: {@link CMSG_SPACE}. */
export function recvmsg(
  descriptor: Descriptor,
  bufsize: number,
  ancbufsize: number,
  flags: number,
): Operation<Received<Buffer>> {
  const data = Buffer.allocUnsafe(bufsize);
  const operation = recvmsg_into(descriptor, [data], ancbufsize, flags);
  return {
    ...operation,
    attempt: () => {
      const received = operation.attempt();
      if (typeof received === 'symbol') return received;
      const [count, ...others] = received;
      return [data.subarray(0, count), ...others];
    },
    whenShutDown: () => {
      const received = operation.whenShutDown?.() ?? WAIT;
      return received === WAIT ? WAIT : [Buffer.alloc(0), [], received[2], received[3]];
    },
  };
}

/** Creates recvmsg(2) into the caller's buffers, filling one after the other. */
export function recvmsg_into(
  descriptor: Descriptor,
  into: readonly NodeJS.ArrayBufferView[],
  ancbufsize: number,
  flags: number,
): Operation<Received<number>> {
  const buffers = checkBuffers('buffers', into, checkBytes);
  checkInteger('ancbufsize', ancbufsize, 0, INT_MAX);
  checkFlags(flags);
  const fd = descriptor.use('recvmsg');
  const attempt = () => {
    const name = Buffer.alloc(SOCKADDR_SIZE);
    const control = ancbufsize > 0 ? Buffer.alloc(ancbufsize) : null;
    const message = messageOf(buffers, name, SOCKADDR_SIZE, control);
    // received descriptors (SCM_RIGHTS) must not leak into child processes
    const count = libioth().recvmsg(fd, message, flags | MSG_CMSG_CLOEXEC);
    if (count < 0) return waitOrThrow('recvmsg', undefined, flags);
    const ancdata = control ? decodeAncillary(control.subarray(0, message.msg_controllen)) : [];
    const address = decodeSockaddr(name, message.msg_namelen);
    return [count, ancdata, message.msg_flags & ~MSG_CMSG_CLOEXEC, address] as Received<number>;
  };
  const whenShutDown = (): Received<number> | typeof WAIT =>
    waitsForErrors(flags) ? WAIT : [0, [], 0, decodeSockaddr(Buffer.alloc(0), 0)];
  return { syscall: 'recvmsg', direction: READABLE, attempt, whenShutDown };
}

/** Creates sendmsg(2) of the buffers, one after the other, with control messages. */
export function sendmsg(
  descriptor: Descriptor,
  data: readonly Data[],
  ancdata: readonly AncillaryItem[],
  flags: number,
  to: Sockaddr | undefined,
): Operation<number> {
  const buffers = checkBuffers('buffers', data, checkData);
  const encoded = encodeAncillary(ancdata);
  const control = encoded.length > 0 ? encoded : null;
  checkFlags(flags);
  const fd = descriptor.use('sendmsg');
  const attempt = () => {
    const count = libioth().sendmsg(fd, messageOf(buffers, to?.bytes ?? null, to?.length ?? 0, control), flags);
    return count >= 0 ? count : waitOrThrow('sendmsg', { address: to?.address, port: to?.port }, flags);
  };
  return { syscall: 'sendmsg', direction: WRITABLE, attempt };
}

function checkBuffers(name: string, list: unknown, check: (name: string, value: unknown) => Uint8Array): Uint8Array[] {
  if (!Array.isArray(list)) throw invalidType(name, 'an array of buffers', list);
  // map would skip the holes of a sparse array
  return Array.from(list, (item, i) => check(`${name}[${i}]`, item));
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
