import { familyOf } from '../address/ip.js';
import { onAbort } from '../core/abort.js';
import { AbortError } from '../core/errors.js';
import { wouldBlock } from '../io/readiness.js';
import { timedOut } from '../io/wait-queue.js';
import type { Descriptor } from './descriptor.js';
import { canceled } from './operations/errors.js';
import type { SocketOwner } from './owner.js';

/** The call that waits until the name in its address is resolved. */
export interface NameWait {
  readonly descriptor: Descriptor;
  readonly syscall: string;
  /** In milliseconds; null waits for ever, 0 does not wait. */
  readonly timeout: number | null;
  readonly signal: AbortSignal | undefined;
}

/** Resolves a host, and waits for it as the call does: until the timeout, the signal, or the end of the socket. */
export async function resolveWithin(
  { descriptor, syscall, timeout, signal }: NameWait,
  stack: SocketOwner,
  family: number,
  host: string,
  port: number,
): Promise<string> {
  descriptor.use(syscall);
  if (timeout === 0 && familyOf(host) === 0) return resolveNow(stack, family, host, syscall);
  const call = { syscall, address: host, port };
  const ended = new AbortController();
  const timer = timeout ? setTimeout(() => ended.abort(timedOut(call, timeout)), timeout).unref() : undefined;
  const stopListening = signal && onAbort(signal, () => ended.abort(new AbortError(signal.reason)));
  const unfollow = descriptor.follow((reason) => ended.abort(reason(call)));
  try {
    const address = await stack.resolveHost(host, family, { signal: ended.signal });
    ended.signal.throwIfAborted();
    return address;
  } catch (error) {
    ended.signal.throwIfAborted();
    // a stack that is closed ends its queries before its sockets
    throw isCanceledQuery(error) ? canceled('the stack was closed')(call) : error;
  } finally {
    clearTimeout(timer);
    stopListening?.();
    unfollow();
  }
}

/** @throws {IothError} EAGAIN for a name that only a server can resolve */
function resolveNow(stack: SocketOwner, family: number, host: string, syscall: string): string {
  const address = stack.resolveLocally(host, family);
  if (address === undefined) throw wouldBlock(syscall);
  return address;
}

function isCanceledQuery(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECANCELLED';
}
