import { AbortError, IothError } from '../core/errors.js';
import { GrowingPause } from '../core/waiting.js';
import { refLoop, unrefLoop } from './keepalive.js';
import { type Direction, PollHandle, READABLE, WRITABLE } from './poll-handle.js';
import { isReceiveShutDown } from './poll-sync.js';
import { EXHAUSTED, type Operation, WAIT, Waiter, WaitQueue, whenShutDown } from './wait-queue.js';

/** The pause before an EXHAUSTED operation is retried, unless ioth closes a descriptor earlier. */
const EXHAUSTED_PAUSE_MS = 100;

/** The number of operations in a row before one waits for the event loop, so that other work runs. */
const MAX_BURST_OPERATIONS = 256;
/**
 * The number of bytes that a socket sends before it waits for the event loop. More data than this, for a receiver in this
 * process, has left the CPU cache when it is received, which takes twice the time.
 */
const MAX_BURST_BYTES = 512 * 1024;
let burstOperations = 0;

/** After this many datagrams that came alone, the next ones are expected to come alone too, except one in SINGLES_PER_PROBE. */
const MIN_SINGLES = 8;
const SINGLES_PER_PROBE = 32;

const NO_BUSY_POLL = { busyPollUsecs: 0 };

const exhausted = new Set<Readiness>();

/** Retries the operations that wait for a free descriptor. Call it when a descriptor was closed. */
export function descriptorWasReleased(): void {
  if (exhausted.size === 0) return;
  const waiting = [...exhausted];
  exhausted.clear();
  setImmediate(() => {
    for (const readiness of waiting) readiness.resume();
  });
}

/**
 * Turns system calls on a non-blocking descriptor into promises. Tries the call at once, then whenever the descriptor is
 * ready. One poll handle serves the descriptor for its life. It is opened at the first wait.
 *
 * Refers to its owner only while an operation waits, so that a forgotten socket can be garbage collected.
 */
export class Readiness {
  readonly #readers = new WaitQueue();
  readonly #writers = new WaitQueue();
  #poll: PollHandle | undefined;
  #socketRef = true;
  #stackRef: boolean;
  #refsLoop = false;
  #exhaustedTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #retryPause: GrowingPause | undefined;
  #drained = false;
  #receivedOne = false;
  #singles = 0;
  #sent = 0;
  #closed = false;

  constructor(
    readonly fd: number,
    stackRef = true,
    readonly owner: { readonly busyPollUsecs: number } = NO_BUSY_POLL,
  ) {
    this.#stackRef = stackRef;
  }

  /**
   * Runs the operation now or when the descriptor is ready, in order with the other operations of its direction.
   * @param owner not garbage collected while the operation waits
   * @param timeout the longest wait in milliseconds; null waits for ever, 0 does not wait (it fails with EAGAIN)
   * @param signal ends the wait
   */
  run<T>(operation: Operation<T>, owner: object, timeout: number | null, signal: AbortSignal | undefined): Promise<T> {
    if (signal?.aborted) return Promise.reject(new AbortError(signal.reason));
    const queue = this.#queueOf(operation.direction);
    const isFirst = queue.waiters.length === 0;
    const yields = isFirst && this.#exceedsBurstBudget() && timeout !== 0;
    if (isFirst && !yields) {
      let result: T | typeof WAIT | typeof EXHAUSTED;
      // an operation that must not wait is tried even on a drained descriptor
      if (timeout === 0) this.#drained = false;
      try {
        result = operation.attempt();
      } catch (error) {
        return Promise.reject(error);
      }
      if (result !== WAIT && result !== EXHAUSTED) return Promise.resolve(result);
      if (result === EXHAUSTED) {
        if (timeout === 0) return Promise.reject(new IothError('EMFILE', { syscall: operation.syscall }));
        queue.exhausted = true;
      }
    }
    if (timeout === 0) return Promise.reject(wouldBlock(operation.syscall));
    return new Promise<T>((resolve, reject) => {
      const waiter = new Waiter(operation, owner, resolve, reject) as Waiter<unknown>;
      queue.waiters.push(waiter);
      // its timeout begins with its first try
      if (yields) this.#yield(queue, waiter, timeout, signal);
      else this.#arm(queue, waiter, timeout, signal);
      this.#update();
    });
  }

  /** Returns whether a call may be tried without an operation: no other waits in its direction, and other work need not run first. */
  mayTry(direction: Direction): boolean {
    return this.#queueOf(direction).waiters.length === 0 && !this.#exceedsBurstBudget();
  }

  #queueOf(direction: Direction): WaitQueue {
    return direction === READABLE ? this.#readers : this.#writers;
  }

  /**
   * Notes that nothing seems to be left to receive. Until the watch reports an event, a try would be a system call that fails
   * with EAGAIN. If data is there nevertheless, the watch reports it at its next poll.
   */
  markDrained(): void {
    this.#drained = true;
  }

  unmarkDrained(): void {
    this.#drained = false;
  }

  /** True if the descriptor was drained and a watch would have reported more: a receiver need not try. */
  get isDrained(): boolean {
    const poll = this.#poll;
    // an edge-triggered watch does not report data that is left
    return this.#drained && poll !== undefined && (poll.watched & READABLE) !== 0 && !poll.isEdge;
  }

  /** True if the descriptor was drained, even if it is not watched. */
  get wasDrained(): boolean {
    return this.#drained;
  }

  /**
   * Notes that a datagram was received. If datagrams come one by one, as replies do, the next try is skipped, since it would
   * fail with EAGAIN. Now and then it is made, to see whether they still come one by one.
   */
  noteDatagram(): void {
    if (this.#receivedOne) this.#singles = 0;
    this.#receivedOne = true;
    if (this.#singles >= MIN_SINGLES && this.#singles++ % SINGLES_PER_PROBE !== 0) this.#drained = true;
  }

  /** Notes that a receiver of datagrams waits now. */
  noteNoDatagram(): void {
    if (this.#receivedOne && this.#singles < MIN_SINGLES) this.#singles++;
    this.#receivedOne = false;
  }

  /**
   * Notes that a connect which waited has succeeded. The next wait is for data then: the watch turns to it at once, where it would
   * report once more that the socket is writable, and be set again.
   */
  noteConnected(): void {
    if (!this.#poll || (this.#poll.watched & WRITABLE) === 0 || this.#poll.isEdge) return;
    this.#poll.watch(READABLE);
    this.#drained = true;
  }

  noteSent(bytes: number): void {
    this.#sent += bytes;
  }

  /** The number of bytes that were sent since the senders last waited for the event loop. */
  get sent(): number {
    return this.#sent;
  }

  /** True if pending operations keep the process alive. */
  get isReferenced(): boolean {
    return this.#socketRef && this.#stackRef;
  }

  /** Sets whether pending operations keep the process alive. They do if both the socket and its stack want it. */
  setRef(referenced: boolean): void {
    this.#socketRef = referenced;
    this.#update();
  }

  setStackRef(referenced: boolean): void {
    this.#stackRef = referenced;
    this.#update();
  }

  /**
   * Rejects all waiting operations and closes the poll handle. Call it before the descriptor is closed. Without `error`, at the
   * end of the process, promises stay pending: an unhandled rejection would turn an orderly end into a failure.
   */
  close(error: ((operation: Operation<unknown>) => Error) | undefined): void {
    this.#closed = true;
    this.#poll?.closeBeforeNext();
    this.#poll = undefined;
    clearTimeout(this.#exhaustedTimer);
    this.#endRetries();
    exhausted.delete(this);
    this.#rejectAll(error);
  }

  /** Retries an EXHAUSTED operation. */
  resume(): void {
    clearTimeout(this.#exhaustedTimer);
    this.#exhaustedTimer = undefined;
    exhausted.delete(this);
    this.#advance(this.#readers);
  }

  #arm(queue: WaitQueue, waiter: Waiter<unknown>, timeout: number | null, signal: AbortSignal | undefined): void {
    if (timeout === null && !signal) return;
    waiter.arm(timeout, signal, (error) => {
      queue.remove(waiter);
      waiter.operation.abandon?.();
      waiter.reject(error);
      this.#update();
    });
  }

  #exceedsBurstBudget(): boolean {
    return ++burstOperations > MAX_BURST_OPERATIONS || this.#sent > MAX_BURST_BYTES;
  }

  #yield(queue: WaitQueue, waiter: Waiter<unknown>, timeout: number | null, signal: AbortSignal | undefined): void {
    queue.yields = true;
    setImmediate(() => {
      // this one is the first of the next burst
      burstOperations = 1;
      this.#sent = 0;
      queue.yields = false;
      this.#advance(queue);
      if (queue.waiters.includes(waiter)) this.#arm(queue, waiter, timeout, signal);
    });
  }

  #advance(queue: WaitQueue): void {
    if (this.#closed) return;
    queue.advance();
    this.#update();
  }

  /** Adapts the watch and the reference to the loop to the waiting operations. */
  #update(): void {
    if (this.#closed) return;
    if (this.#readers.exhausted) this.#pauseAfterExhaustion();
    if (this.#retryPause && !this.#isStalled) this.#endRetries();
    const wanted = this.#wanted();
    const waits = this.#readers.waiters.length > 0 || this.#writers.waiters.length > 0;
    this.#setLoopRef(waits && this.#socketRef && this.#stackRef);
    // without waiters the watch stays, for the next wait; an event without a waiter ends it
    if (wanted === 0) return;
    try {
      // a socket is nearly always writable: without a waiter that direction would fire at once
      if (this.#poll) this.#poll.watch((this.#poll.watched & READABLE) | wanted, this.#isStalled);
      else this.#poll = new PollHandle(this.fd, wanted, (ready) => this.#onReady(ready));
    } catch (error) {
      this.#rejectAll(() => error as Error);
    }
  }

  #rejectAll(error: ((operation: Operation<unknown>) => Error) | undefined): void {
    this.#readers.rejectAll(error);
    this.#writers.rejectAll(error);
    this.#setLoopRef(false);
  }

  #setLoopRef(refs: boolean): void {
    if (refs === this.#refsLoop) return;
    this.#refsLoop = refs;
    if (refs) refLoop();
    else unrefLoop();
  }

  #wanted(): number {
    return (this.#readers.watches ? READABLE : 0) | (this.#writers.watches ? WRITABLE : 0);
  }

  // without free descriptors the listener stays readable: watching it would spin
  #pauseAfterExhaustion(): void {
    if (this.#exhaustedTimer) return;
    exhausted.add(this);
    this.#poll?.watch(this.#wanted(), this.#isStalled);
    this.#exhaustedTimer = setTimeout(() => this.resume(), EXHAUSTED_PAUSE_MS).unref();
  }

  #onReady(ready: number): void {
    // A served waiter is likely to wait again at once: the watch stays, which saves a system call. A direction without a
    // waiter would fire at every turn of the loop.
    const unwanted = ready & ~this.#wanted();
    if (ready & READABLE) this.#drained = false;
    if (ready & READABLE) this.#serve(this.#readers);
    if (ready & WRITABLE) this.#serve(this.#writers);
    if (this.#closed || !this.#poll) return;
    if (this.owner.busyPollUsecs > 0) this.#poll.busyPoll(this.owner.busyPollUsecs);
    const ended = unwanted | (this.#readers.pauses ? READABLE : 0) | (this.#writers.pauses ? WRITABLE : 0);
    if ((this.#poll.watched & ended) !== 0) this.#poll.watch(this.#poll.watched & ~ended, this.#isStalled);
    this.#update();
  }

  #serve(queue: WaitQueue): void {
    if (!queue.watches) return void queue.advance();
    const sentBefore = this.#sent;
    let served = queue.advance() || this.#sent !== sentBefore;
    if (!served && queue.watches && queue === this.#readers && isReceiveShutDown(this.fd))
      served = queue.advance(whenShutDown);
    queue.stalled = !served && queue.watches;
    queue.spuriousWakeups = queue.stalled ? queue.spuriousWakeups + 1 : 0;
    if (queue.stalled) this.#retryLater();
  }

  /**
   * True if a waiter's last wake-up was spurious: a receive of errors (MSG_ERRQUEUE) while data is there, a datagram to a unix
   * socket whose queue is full, or a connect to one whose backlog is. Then the watch reports changes only. A retry after a pause
   * is for changes that are not reported (room at a peer that the socket is not connected to), and for those that the failed try
   * itself causes (a datagram that a unix socket's peer did not take).
   */
  get #isStalled(): boolean {
    return this.#readers.isStalled || this.#writers.isStalled;
  }

  #retryLater(): void {
    if (this.#retryTimer) return;
    this.#retryPause ??= new GrowingPause();
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      for (const queue of [this.#readers, this.#writers]) {
        if (!queue.isStalled) continue;
        queue.spuriousWakeups = 0;
        this.#serve(queue);
      }
      this.#update();
    }, this.#retryPause.take()).unref();
  }

  #endRetries(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#retryPause = undefined;
  }
}

/** Returns the error of an operation that would have to wait, and may not. */
export function wouldBlock(syscall: string): IothError {
  const hint = 'the socket is non-blocking (timeout 0) and the operation would wait';
  return new IothError('EAGAIN', { syscall, hint });
}
