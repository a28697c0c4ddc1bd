import { errno } from '../ffi/ioth.js';
import { libc, POLLERR, POLLFD_SIZE, POLLHUP, POLLIN, POLLNVAL, POLLOUT } from '../ffi/libc.js';
import { PollHandle, READABLE, WRITABLE } from '../ffi/poll.js';
import { AbortError, IothError, systemError } from './errors.js';

/** What an attempt answers when the descriptor is not ready. */
export const WAIT: unique symbol = Symbol('wait');
/** What an attempt answers when the process is out of descriptors: ready, and no use in trying at once. */
export const EXHAUSTED: unique symbol = Symbol('exhausted');

/** One try of a system call: its result, WAIT or EXHAUSTED; it throws the call's error. It may run many times. */
export type Attempt<T> = () => T | typeof WAIT | typeof EXHAUSTED;

export type Direction = typeof READABLE | typeof WRITABLE;
export { READABLE, WRITABLE };

/** How long an operation may wait, and what ends it early. */
export interface WaitOptions {
  /** Kept from being collected while the operation waits. */
  owner?: object;
  /** Milliseconds; null waits for ever, 0 not at all (the operation fails with EAGAIN). */
  timeout: number | null;
  signal?: AbortSignal | undefined;
  /** Named in the errors of the wait. */
  syscall: string;
}

/** How long an EXHAUSTED operation rests unless a descriptor of ours is closed before, in milliseconds. */
const EXHAUSTED_PAUSE = 100;

/** After so many operations in a row that never waited, the next goes through the loop: others get their turn. */
const BURST_LIMIT = 64;
let burst = 0;

class Waiter<T> {
  #timer: NodeJS.Timeout | undefined;
  readonly #onAbort: (() => void) | undefined;

  constructor(
    readonly attempt: Attempt<T>,
    readonly options: WaitOptions,
    readonly resolve: (value: T) => void,
    readonly reject: (error: unknown) => void,
    giveUp: (error: Error) => void,
  ) {
    const { timeout, signal, syscall } = options;
    if (timeout !== null) {
      this.#timer = setTimeout(() => giveUp(new IothError('ETIMEDOUT', { syscall })), timeout);
    }
    if (signal) {
      this.#onAbort = () => giveUp(new AbortError(signal.reason));
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  setRef(referenced: boolean): void {
    if (referenced) this.#timer?.ref();
    else this.#timer?.unref();
  }

  end(): void {
    clearTimeout(this.#timer);
    if (this.#onAbort) this.options.signal?.removeEventListener('abort', this.#onAbort);
  }
}

/** The waiters of one direction of a descriptor, first come first served. */
class Line {
  readonly waiters: Waiter<unknown>[] = [];
  exhausted = false;

  /** Lets the first ones try until one has to wait on. */
  advance(): void {
    this.exhausted = false;
    for (let first = this.waiters[0]; first; first = this.waiters[0]) {
      let result: unknown;
      try {
        result = first.attempt();
      } catch (error) {
        this.#finish(first);
        first.reject(error);
        continue;
      }
      if (result === WAIT) return;
      if (result === EXHAUSTED) {
        this.exhausted = true;
        return;
      }
      this.#finish(first);
      first.resolve(result);
    }
  }

  remove(waiter: Waiter<unknown>): void {
    const at = this.waiters.indexOf(waiter);
    if (at >= 0) this.waiters.splice(at, 1);
    waiter.end();
  }

  #finish(waiter: Waiter<unknown>): void {
    this.waiters.shift();
    waiter.end();
  }
}

const exhaustedOnes = new Set<Readiness>();

/** Tells operations that wait for a free descriptor that there is one now. */
export function descriptorWasReleased(): void {
  if (exhaustedOnes.size === 0) return;
  const waiting = [...exhaustedOnes];
  exhaustedOnes.clear();
  setImmediate(() => {
    for (const readiness of waiting) readiness.resume();
  });
}

/**
 * Turns system calls on a non-blocking descriptor into promises: the call is tried at once, then whenever the
 * descriptor is ready. One poll handle serves the descriptor for its life; it is opened at the first wait.
 *
 * It refers to its owner only while something waits, so that a forgotten socket can be collected.
 */
export class Readiness {
  readonly #readers = new Line();
  readonly #writers = new Line();
  #poll: PollHandle | undefined;
  #socketRef = true;
  #stackRef: boolean;
  #pause: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    readonly fd: number,
    stackRef = true,
  ) {
    this.#stackRef = stackRef;
  }

  /** Whether something waits. */
  get pending(): number {
    return this.#readers.waiters.length + this.#writers.waiters.length;
  }

  /** Runs `attempt` now or when the descriptor is ready in `direction`, in order with the others of that direction. */
  run<T>(direction: Direction, attempt: Attempt<T>, options: WaitOptions): Promise<T> {
    const line = direction === READABLE ? this.#readers : this.#writers;
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(new AbortError(signal.reason));
    const goesThroughTheLoop = ++burst > BURST_LIMIT;
    if (line.waiters.length === 0 && !goesThroughTheLoop) {
      let result: ReturnType<Attempt<T>>;
      try {
        result = attempt();
      } catch (error) {
        return Promise.reject(error);
      }
      if (result === EXHAUSTED) line.exhausted = true;
      else if (result !== WAIT) return Promise.resolve(result);
      else if (options.timeout === 0) return Promise.reject(wouldBlock(options.syscall));
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter<unknown> = new Waiter<unknown>(
        attempt,
        options,
        resolve as (value: unknown) => void,
        reject,
        (error) => {
          line.remove(waiter);
          reject(error);
          this.#settle();
        },
      );
      line.waiters.push(waiter);
      waiter.setRef(this.#referenced);
      this.#settle();
      if (goesThroughTheLoop) setImmediate(() => this.#afterBurst(line));
    });
  }

  /** Runs `attempt` now or when the descriptor is ready, blocking the thread in poll(2) meanwhile. */
  runSync<T>(direction: Direction, attempt: Attempt<T>, { timeout, syscall }: WaitOptions): T {
    const deadline = timeout === null ? null : performance.now() + timeout;
    for (;;) {
      const result = attempt();
      if (result !== WAIT && result !== EXHAUSTED) return result;
      if (timeout === 0) throw wouldBlock(syscall);
      if (result === EXHAUSTED) throw new IothError('EMFILE', { syscall });
      const left = deadline === null ? -1 : Math.max(0, Math.ceil(deadline - performance.now()));
      if (!waitSync(this.fd, direction, left)) throw new IothError('ETIMEDOUT', { syscall });
    }
  }

  /** Whether pending operations keep the process alive: both the socket and its stack must want it. */
  setRef(referenced: boolean): void {
    this.#socketRef = referenced;
    this.#applyRef();
  }

  setStackRef(referenced: boolean): void {
    this.#stackRef = referenced;
    this.#applyRef();
  }

  /** Rejects all that waits and closes the poll handle. Call it before the descriptor is closed. */
  close(error: () => Error): void {
    this.#closed = true;
    this.#poll?.close();
    this.#poll = undefined;
    clearTimeout(this.#pause);
    exhaustedOnes.delete(this);
    for (const line of [this.#readers, this.#writers]) {
      for (const waiter of line.waiters.splice(0)) {
        waiter.end();
        waiter.reject(error());
      }
    }
  }

  /** Tries again what was EXHAUSTED. */
  resume(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
    exhaustedOnes.delete(this);
    if (this.#closed) return;
    this.#readers.advance();
    this.#settle();
  }

  get #referenced(): boolean {
    return this.#socketRef && this.#stackRef;
  }

  #applyRef(): void {
    for (const line of [this.#readers, this.#writers]) {
      for (const waiter of line.waiters) waiter.setRef(this.#referenced);
    }
    this.#settle();
  }

  #afterBurst(line: Line): void {
    burst = 0;
    if (this.#closed) return;
    line.advance();
    this.#settle();
  }

  /** Makes what is watched fit what waits. */
  #settle(): void {
    if (this.#closed) return;
    const wanted = this.#wanted();
    if (this.#readers.exhausted) this.#rest();
    if (wanted === 0) {
      // the watch goes on: the next wait finds it there; an event that nobody waits for ends it
      this.#poll?.setRef(false);
      return;
    }
    if (!this.#poll) this.#poll = new PollHandle(this.fd, wanted, (ready) => this.#onReady(ready));
    else this.#poll.watch(this.#poll.watched | wanted);
    this.#poll.setRef(this.#referenced);
  }

  #wanted(): number {
    const read = this.#readers.waiters.length > 0 && !this.#readers.exhausted ? READABLE : 0;
    const write = this.#writers.waiters.length > 0 ? WRITABLE : 0;
    return read | write;
  }

  // out of descriptors the listener is readable all the time: watching it would spin
  #rest(): void {
    if (this.#pause) return;
    exhaustedOnes.add(this);
    this.#poll?.watch(this.#wanted());
    this.#pause = setTimeout(() => this.resume(), EXHAUSTED_PAUSE);
    if (!this.#referenced) this.#pause.unref();
  }

  #onReady(ready: number): void {
    burst = 0;
    // Whoever was served is likely to wait again at once: the watch goes on, and no system call is spent on it. A
    // direction that nobody waited for would fire at every turn of the loop.
    const unwanted = ready & ~this.#wanted();
    if (ready & READABLE) this.#readers.advance();
    if (ready & WRITABLE) this.#writers.advance();
    if (this.#closed || !this.#poll) return;
    if ((this.#poll.watched & unwanted) !== 0) this.#poll.watch(this.#poll.watched & ~unwanted);
    this.#settle();
  }
}

function wouldBlock(syscall: string): IothError {
  return new IothError('EAGAIN', {
    syscall,
    hint: 'the socket is non-blocking (timeout 0) and the operation would wait',
  });
}

const pollfd = Buffer.alloc(POLLFD_SIZE);

/** Waits in poll(2); false when `timeout` (milliseconds, -1 for ever) ran out. A descriptor in error is ready. */
export function waitSync(fd: number, direction: Direction, timeout: number): boolean {
  const deadline = performance.now() + timeout;
  for (let left = timeout; ; left = timeout < 0 ? -1 : Math.max(0, Math.ceil(deadline - performance.now()))) {
    pollfd.writeInt32LE(fd, 0);
    pollfd.writeInt16LE(direction === READABLE ? POLLIN : POLLOUT, 4);
    pollfd.writeInt16LE(0, 6);
    const count = libc().poll(pollfd, 1, left);
    const error = errno();
    if (count > 0) {
      const revents = pollfd.readInt16LE(6);
      if (revents & POLLNVAL) throw new IothError('EBADF', { syscall: 'poll' });
      return (revents & (POLLIN | POLLOUT | POLLERR | POLLHUP)) !== 0;
    }
    if (count === 0) return false;
    if (error !== EINTR) throw systemError(error, 'poll');
  }
}

const EINTR = 4;
