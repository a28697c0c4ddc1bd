import type { Address, AddressInput, Sockaddr } from '../address/sockaddr.js';
import { IothError } from '../core/errors.js';
import { runBlocking } from '../io/blocking.js';
import type { Call, CallTarget } from './operations/call.js';
import { type ArgumentsOf, CALLS, type ResultOf } from './operations/calls.js';

/** The parts of a socket that its blocking calls need. */
export interface SyncSource {
  readonly target: CallTarget;
  /** Returns the timeout in milliseconds; null for none. */
  timeout(): number | null;
  encode(addr: unknown): Sockaddr;
}

type Calls = typeof CALLS;

/**
 * The blocking forms of the calls of a {@link Socket} that may wait, with the same names, arguments and results, for a REPL or a
 * script. A host must be an address, 'localhost' or a name of the hosts file: no resolver is asked (`await stack.getaddrinfo(host,
 * port)` resolves a name). While a call waits, nothing else in the process runs; a peer in the same process cannot answer.
 *
 * They throw what the promises of Socket are rejected with, ETIMEDOUT or EAGAIN (`settimeout`), EINTR (a signal), ERR_STACK_DEAD and
 * EBADF (a closed socket) among them.
 */
export type SyncSocket<Connection = unknown> = {
  [Name in keyof Calls as Exclude<Name, 'accept'>]: (...args: ArgumentsOf<Calls[Name]>) => ResultOf<Calls[Name]>;
} & {
  /** Returns the next connection and its peer's address: accept(2). */
  accept(): [Connection, Address];
  /** Returns 0, or the errno (positive) of a failed system call: connect(2), as Python's connect_ex. */
  connect_ex(addr: AddressInput): number;
};

/** Makes the blocking view of a socket. */
export function syncSocket<Connection>(source: SyncSource): SyncSocket<Connection> {
  return new BlockingCalls(source) as unknown as SyncSocket<Connection>;
}

class BlockingCalls {
  readonly #source: SyncSource;

  constructor(source: SyncSource) {
    this.#source = source;
  }

  static {
    for (const [name, call] of Object.entries(CALLS) as unknown as [string, Call<unknown[], unknown>][]) {
      const value = function (this: BlockingCalls, ...args: unknown[]): unknown {
        return run(this.#source, call, args);
      };
      Object.defineProperty(BlockingCalls.prototype, name, { value, configurable: true, writable: true });
    }
  }

  connect_ex(addr: AddressInput): number {
    try {
      run(this.#source, CALLS.connect, [addr]);
      return 0;
    } catch (error) {
      return errnoOf(error);
    }
  }
}

/** Returns the errno (positive) of a failed system call, for connect_ex. Throws any other error. */
export function errnoOf(error: unknown): number {
  if (error instanceof IothError && error.errno !== undefined) return -error.errno;
  throw error;
}

function run<Args extends unknown[], T>(source: SyncSource, { make, addressIn }: Call<Args, T>, args: unknown[]): T {
  const { target } = source;
  const at = addressIn ? addressIn(args) : -1;
  if (at >= 0) args[at] = source.encode(args[at]);
  const operation = make(target, ...(args as Args));
  try {
    return runBlocking(operation, target.descriptor, source.timeout());
  } catch (error) {
    operation.abandon?.();
    throw error;
  } finally {
    operation.close?.();
  }
}
