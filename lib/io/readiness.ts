import { AbortError, IothError, systemError } from '../core/errors.js';
import { GrowingPause } from '../core/growing-pause.js';
import { EpollError } from './epoll.js';
import { refLoop, unrefLoop } from './keepalive.js';
import { PollHandle, READABLE, WRITABLE } from './poll-handle.js';
import { isReceiveShutDown } from './poll-sync.js';
import { EXHAUSTED, type Operation, WAIT, Waiter, WaitQueue } from './wait-queue.js';

/** How long an EXHAUSTED operation pauses, unless a descriptor of this library is closed before. */
const EXHAUSTED_PAUSE_MS = 100;

/** One of so many operations goes through the loop, so that others get their turn. */
const MAX_BURST_OPERATIONS = 256;
/**
 * The same for bytes that a socket sent: what has piled up between it and a receiver in this process has left the
 * processor's cache when it is received, and takes twice the time.
 */
const MAX_BURST_BYTES = 512 * 1024;
let burstOperations = 0;

/** After so many datagrams that came alone, the next ones are taken for alone too, except one of so many. */
const MIN_SINGLES = 8;
const SINGLES_PER_PROBE = 32;

const NO_BUSY_POLL = { busyPollUsecs: 0 };

const exhausted = new Set<Readiness>();

/** A descriptor was closed: operations that wait for a free one are tried again. */
export function descriptorWasReleased(): void {
  if (exhausted.size === 0) return;
  const waiting = [...exhausted];
  exhausted.clear();
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
   * Runs the operation now or when the descriptor is ready for it, in order with the others of its direction.
   * @param owner kept from being collected while the operation waits
   * @param timeout how many milliseconds it may wait; null for ever, 0 not at all (it fails with EAGAIN)
   * @param signal ends the wait
   */
  run<T>(operation: Operation<T>, owner: object, timeout: number | null, signal: AbortSignal | undefined): Promise<T> {
    if (signal?.aborted) return Promise.reject(new AbortError(signal.reason));
    const queue = operation.direction === READABLE ? this.#readers : this.#writers;
    const isFirst = queue.waiters.length === 0;
    const yields = isFirst && this.#exceedsBurstBudget() && timeout !== 0;
    if (isFirst && !yields) {
      let result: T | typeof WAIT | typeof EXHAUSTED;
      // what must not wait is tried even where the descriptor is drained
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
      // its time begins with its first try
      if (yields) this.#yield(queue, waiter, timeout, signal);
      else this.#arm(queue, waiter, timeout, signal);
      this.#update();
    });
  }

  /**
   * Notes that nothing is left to receive, as far as is known. Until the watch reports something, a try would be a system
   * call for EAGAIN; what is there nevertheless the watch reports at its next look.
   */
  markDrained(): void {
    this.#drained = true;
  }

  unmarkDrained(): void {
    this.#drained = false;
  }

  /** Whether it was drained, and a watch would have reported more: a receiver need not try. */
  get isDrained(): boolean {
    const poll = this.#poll;
    // a watch that reports changes says nothing of what is left
    return this.#drained && poll !== undefined && (poll.watched & READABLE) !== 0 && !poll.isEdge;
  }

  /** The same, whether it is watched or not. */
  get wasDrained(): boolean {
    return this.#drained;
  }

  /**
   * Notes that a datagram was received. Where they come one by one, as replies do, the try for EAGAIN that would follow is
   * skipped; now and then it is made all the same, to see whether they still do.
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

  noteSent(bytes: number): void {
    this.#sent += bytes;
  }

  /** How many bytes were sent since its senders had a turn of the loop. */
  get sent(): number {
    return this.#sent;
  }

  /** Whether pending operations keep the process alive. */
  get isReferenced(): boolean {
    return this.#socketRef && this.#stackRef;
  }

  /** Whether pending operations keep the process alive: both the socket and its stack must want it. */
  setRef(referenced: boolean): void {
    this.#socketRef = referenced;
    this.#update();
  }

  setStackRef(referenced: boolean): void {
    this.#stackRef = referenced;
    this.#update();
  }

  /**
   * Rejects all that waits and closes the poll handle. Call it before the descriptor is closed. Without `error`, at the end
   * of the process, promises stay pending: a rejection that nobody handles would turn an orderly end into a failure.
   */
  close(error: ((operation: Operation<unknown>) => Error) | undefined): void {
    this.#closed = true;
    this.#poll?.close();
    this.#poll = undefined;
    clearTimeout(this.#exhaustedTimer);
    this.#endRetries();
    exhausted.delete(this);
    this.#rejectAll(error);
  }

  /** Tries again what was EXHAUSTED. */
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
      burstOperations = 0;
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

  /** Makes the watch, and the reference to the loop, fit what waits. */
  #update(): void {
    if (this.#closed) return;
    if (this.#readers.exhausted) this.#pauseAfterExhaustion();
    if (this.#retryPause && !this.#isStalled) this.#endRetries();
    const wanted = this.#wanted();
    const waits = this.#readers.waiters.length > 0 || this.#writers.waiters.length > 0;
    this.#setLoopRef(waits && this.#socketRef && this.#stackRef);
    // with nobody waiting the watch goes on: the next wait finds it there, an event that nobody waits for ends it
    if (wanted === 0) return;
    try {
      if (this.#poll) this.#poll.watch(this.#poll.watched | wanted, this.#isStalled);
      else this.#poll = new PollHandle(this.fd, wanted, (ready) => this.#onReady(ready));
    } catch (error) {
      this.#rejectAll(() => (error instanceof EpollError ? systemError(error.errno, error.syscall) : (error as Error)));
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

  // out of descriptors the listener is readable all the time: watching it would spin
  #pauseAfterExhaustion(): void {
    if (this.#exhaustedTimer) return;
    exhausted.add(this);
    this.#poll?.watch(this.#wanted(), this.#isStalled);
    this.#exhaustedTimer = setTimeout(() => this.resume(), EXHAUSTED_PAUSE_MS).unref();
  }

  #onReady(ready: number): void {
    // Whoever was served is likely to wait again at once: the watch goes on, and no system call is spent on it. A
    // direction that nobody waited for would fire at every turn of the loop.
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
      served = queue.finishShutDown();
    queue.stalled = !served && queue.watches;
    queue.spuriousWakeups = queue.stalled ? queue.spuriousWakeups + 1 : 0;
    if (queue.stalled) this.#retryLater();
  }

  /**
   * Whether a waiter's last wake-up was spurious: a receive of errors (MSG_ERRQUEUE) where data is there, a datagram to a
   * unix socket whose queue is full. Trying again at once would take a whole processor, so the watch reports changes only
   * then. What changes without being reported (room in the queue of a peer that one is not connected to) is found by
   * trying again after a pause, and so is what a failed try itself reports as a change (a datagram that a unix socket's
   * peer did not take).
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

/** The error of an operation that may not wait, and would have to. */
export function wouldBlock(syscall: string): IothError {
  return new IothError('EAGAIN', {
    syscall,
    hint: 'the socket is non-blocking (timeout 0) and the operation would wait',
  });
}
