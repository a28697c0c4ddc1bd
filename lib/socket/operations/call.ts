import type { Address, AddressInput, Sockaddr } from '../../address/sockaddr.js';
import { checkInteger, INT_MAX } from '../../core/validate.js';
import type { Operation } from '../../io/wait-queue.js';
import type { Descriptor } from '../descriptor.js';

/** The socket that a call is made on. */
export interface CallTarget {
  readonly descriptor: Descriptor;
  readonly family: number;
  readonly type: number;
  /** Keeps the sender of the last datagram. */
  readonly peers: { last(): Address; nobody(): Address };
  /** Makes the Socket of a connection. */
  wrap(fd: number): unknown;
}

/** One call that may wait. */
export interface Call<Args extends unknown[], Result> {
  /** Checks the arguments, before C sees them, and makes the operation. */
  make(target: CallTarget, ...args: Args): Operation<Result>;
  /** Returns the index of the argument that is an address, so that its name is resolved first; -1 for none. */
  readonly addressIn?: (args: readonly unknown[]) => number;
  /** The C name of a call with an address, for errors of the wait for its name. */
  readonly syscall?: string;
}

export function call<Args extends unknown[], Result>(
  make: (target: CallTarget, ...args: Args) => Operation<Result>,
  addressIn?: (args: readonly unknown[]) => number,
  syscall?: string,
): Call<Args, Result> {
  return { make, addressIn, syscall };
}

/** The arguments of a call in the form that callers give: an address may have a name. */
export type WithNames<Args extends unknown[]> = {
  [I in keyof Args]: Sockaddr extends Args[I] ? AddressInput | Exclude<Args[I], Sockaddr> : Args[I];
};

export function checkSize(size: unknown): void {
  checkInteger('bufsize', size, 0, INT_MAX);
}
