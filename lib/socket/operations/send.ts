import type { Sockaddr } from '../../address/sockaddr.js';
import { checkData, checkFlags, detachedBytes } from '../../core/validate.js';
import { WRITABLE } from '../../io/poll-handle.js';
import { type Operation, WAIT } from '../../io/wait-queue.js';
import type { Descriptor } from '../descriptor.js';
import { call } from './call.js';
import { waitOrThrow } from './errors.js';

/** Data to send: bytes, or a string, which is sent as UTF-8. */
export type Data = string | NodeJS.ArrayBufferView;

/** Send operation: send(2) or sendto(2). The result is the number of bytes sent. */
class Send implements Operation<number> {
  readonly direction = WRITABLE;

  constructor(
    descriptor: Descriptor,
    readonly syscall: 'send' | 'sendto',
    readonly attempt: () => number | typeof WAIT,
  ) {
    descriptor.use(syscall);
  }
}

/** Send operation that repeats send(2) until all bytes are sent. */
class SendAll implements Operation<void> {
  readonly syscall = 'send';
  readonly direction = WRITABLE;
  #rest: Uint8Array;
  #left: number;

  constructor(
    readonly descriptor: Descriptor,
    data: Uint8Array,
    readonly flags: number,
  ) {
    descriptor.use(this.syscall);
    this.#rest = data;
    this.#left = data.byteLength;
  }

  attempt(): typeof WAIT | undefined {
    for (;;) {
      const count = send(this.descriptor, this.#rest, this.flags);
      if (typeof count !== 'number') return count;
      this.#left -= count;
      if (this.#left === 0) return undefined;
      if (this.#rest.byteLength === 0) throw detachedBytes('data');
      // picox's buffer is full
      if (count === 0) return WAIT;
      this.#rest = this.#rest.subarray(count);
    }
  }
}

export function send({ calls, fd, readiness }: Descriptor, data: Uint8Array, flags: number): number | typeof WAIT {
  const count = calls.send(fd, data, data.byteLength, flags);
  if (count < 0) return waitOrThrow('send', undefined, flags);
  readiness.noteSent(count);
  return count;
}

export function sendTo({ calls, fd }: Descriptor, data: Uint8Array, flags: number, to: Sockaddr): number | typeof WAIT {
  const count = calls.sendto(fd, data, data.byteLength, flags, to.bytes, to.length);
  return count >= 0 ? count : waitOrThrow('sendto', { address: to.address, port: to.port }, flags);
}

/** The calls that send bytes. */
export const SEND_CALLS = {
  send: call(({ descriptor }, data: Data, flags: number = 0): Operation<number> => {
    const bytes = checkData('data', data);
    checkFlags(flags);
    return new Send(descriptor, 'send', () => send(descriptor, bytes, flags));
  }),
  sendall: call(({ descriptor }, data: Data, flags: number = 0): Operation<void> => {
    const bytes = checkData('data', data);
    checkFlags(flags);
    return new SendAll(descriptor, bytes, flags);
  }),
  sendto: call(
    (
      { descriptor },
      ...args: [data: Data, addr: Sockaddr] | [data: Data, flags: number, addr: Sockaddr]
    ): Operation<number> => {
      const [data, first, second] = args;
      const [flags, addr] = second === undefined ? [0, first as Sockaddr] : [first as number, second];
      const bytes = checkData('data', data);
      checkFlags(flags);
      return new Send(descriptor, 'sendto', () => sendTo(descriptor, bytes, flags, addr));
    },
    ([, first]) => (typeof first === 'number' ? 2 : 1),
    'sendto',
  ),
};
