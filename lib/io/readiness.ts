import { AbortError, IothError, systemError } from '../core/errors.js';
import { GrowingPause } from '../core/growing-pause.js';
import { EpollError } from './epoll.js';
import { refLoop, unrefLoop } from './keepalive.js';
import { PollHandle, READABLE, WRITABLE } from './poll-handle.js';
import { isReceiveShutDown } from './stall.js';
import { EXHAUSTED, type Operation, WAIT, Waiter, WaitQueue } from './wait-queue.js';

/** How long an EXHAUSTED operation rests unless a descriptor of ours is closed before, in milliseconds. */
const EXHAUSTED_PAUSE = 100;

/** Of so many operations that are begun one goes through the loop, so that others get their turn. */
const BURST_LIMIT = 256;
/**
 * The same for so many bytes that a socket sent: what has piled up between it and a receiver in this process has left
 * the processor's cache when it is received, and takes twice the time.
 */
const SEND_LIMIT = 512 * 1024;
let burst = 0;

/** After so many datagrams that came alone the next ones are taken for alone too, but one of so many. */
const MANY_SINGLES = 8;
const SINGLES_PER_TRIAL = 32;

const NEVER_BUSY = { busyPollUsecs: 0 };

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
  readonly #readers = new WaitQueue();
  readonly #writers = new WaitQueue();
  #poll: PollHandle | undefined;
  #socketRef = true;
  #stackRef: boolean;
  #holdsProcess = false;
  #pause: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryPause: GrowingPause | undefined;
  #drained = false;
  #tookOne = false;
  #singles = 0;
  #sent = 0;
  #closed = false;

  constructor(
    readonly fd: number,
    stackRef = true,
    readonly busy: { readonly busyPollUsecs: number } = NEVER_BUSY,
  ) {
    this.#stackRef = stackRef;
  }

  /**
   * Runs the operation now or when the descriptor is ready for it, in order with the others of its direction.
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
      // what must not wait is tried whatever one knows
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
      else this.#limit(queue, waiter, timeout, signal);
      this.#settle();
    });
  }

  /**
   * Says that there is nothing left to receive, as far as one knows. While the watch says nothing else, a try would be a
   * system call for EAGAIN; whatever is there nevertheless, the watch tells of at its next look.
   */
  markDrained(): void {
    this.#drained = true;
  }

  /** Whether it was found empty, and the watch has said nothing else: a receiver need not try. */
  get isDrained(): boolean {
    const poll = this.#poll;
    // a watch that reports changes says nothing of what is left
    return this.#drained && poll !== undefined && (poll.watched & READABLE) !== 0 && !poll.isEdge;
  }

  /**
   * Says that a datagram was received. Where they come one by one, as answers do, the try for EAGAIN that would follow is
   * spared; now and then it is made all the same, to see whether they still do.
   */
  tookDatagram(): void {
    if (this.#tookOne) this.#singles = 0;
    this.#tookOne = true;
    if (this.#singles >= MANY_SINGLES && this.#singles++ % SINGLES_PER_TRIAL !== 0) this.#drained = true;
  }

  /** Says that a receiver of datagrams waits now. */
  ranOutOfDatagrams(): void {
    if (this.#tookOne && this.#singles < MANY_SINGLES) this.#singles++;
    this.#tookOne = false;
  }

  /** Says that so many bytes were sent. */
  noteSent(bytes: number): void {
    this.#sent += bytes;
  }

  /** How many bytes were sent since its senders had a turn of the loop. */
  get sent(): number {
    return this.#sent;
  }

  /** Whether it was found empty, as far as one knows without a watch. */
  get isEmpty(): boolean {
    return this.#drained;
  }

  /** Makes that the next receiver tries, whatever was found before. */
  forgetEmpty(): void {
    this.#drained = false;
  }

  /** Whether pending operations keep the process alive: both the socket and its stack must want it. */
  setRef(referenced: boolean): void {
    this.#socketRef = referenced;
    this.#settle();
  }

  setStackRef(referenced: boolean): void {
    this.#stackRef = referenced;
    this.#settle();
  }

  /**
   * Rejects all that waits and closes the poll handle. Call it before the descriptor is closed. Without `error`, at the end
   * of the process, promises stay pending: a rejection that nobody handles would turn an orderly end into a failure.
   */
  close(error: ((operation: Operation<unknown>) => Error) | undefined): void {
    this.#closed = true;
    this.#poll?.close();
    this.#poll = undefined;
    clearTimeout(this.#pause);
    this.#endRetries();
    exhaustedOnes.delete(this);
    this.#rejectAll(error);
  }

  /** Tries again what was EXHAUSTED. */
  resume(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
    exhaustedOnes.delete(this);
    this.#advance(this.#readers);
  }

  #limit(queue: WaitQueue, waiter: Waiter<unknown>, timeout: number | null, signal: AbortSignal | undefined): void {
    if (timeout === null && !signal) return;
    waiter.arm(timeout, signal, (error) => {
      queue.remove(waiter);
      waiter.operation.abandon?.();
      waiter.reject(error);
      this.#settle();
    });
  }

  #exceedsBurstBudget(): boolean {
    return ++burst > BURST_LIMIT || this.#sent > SEND_LIMIT;
  }

  #yield(queue: WaitQueue, waiter: Waiter<unknown>, timeout: number | null, signal: AbortSignal | undefined): void {
    queue.yields = true;
    setImmediate(() => {
      burst = 0;
      this.#sent = 0;
      queue.yields = false;
      this.#advance(queue);
      if (queue.waiters.includes(waiter)) this.#limit(queue, waiter, timeout, signal);
    });
  }

  #advance(queue: WaitQueue): void {
    if (this.#closed) return;
    queue.advance();
    this.#settle();
  }

  /** Makes what is watched, and whether the process is held, fit what waits. */
  #settle(): void {
    if (this.#closed) return;
    if (this.#readers.exhausted) this.#pauseAfterExhaustion();
    if (this.#retryPause && !this.#isStalled) this.#endRetries();
    const wanted = this.#wanted();
    const waits = this.#readers.waiters.length > 0 || this.#writers.waiters.length > 0;
    this.#holdProcess(waits && this.#socketRef && this.#stackRef);
    // with nobody waiting the watch goes on: the next wait finds it there, an event that nobody waits for ends it
    if (wanted === 0) return;
    try {
      if (this.#poll) this.#poll.watch(this.#poll.watched | wanted, this.#isStalled);
      else this.#poll = new PollHandle(this.fd, wanted, (ready) => this.#onReady(ready));
    } catch (error) {
      this.#rejectAll(unwatched(error));
    }
  }

  #rejectAll(error: ((operation: Operation<unknown>) => Error) | undefined): void {
    this.#readers.rejectAll(error);
    this.#writers.rejectAll(error);
    this.#holdProcess(false);
  }

  #holdProcess(holds: boolean): void {
    if (holds === this.#holdsProcess) return;
    this.#holdsProcess = holds;
    if (holds) refLoop();
    else unrefLoop();
  }

  #wanted(): number {
    return (this.#readers.watches ? READABLE : 0) | (this.#writers.watches ? WRITABLE : 0);
  }

  // out of descriptors the listener is readable all the time: watching it would spin
  #pauseAfterExhaustion(): void {
    if (this.#pause) return;
    exhaustedOnes.add(this);
    this.#poll?.watch(this.#wanted(), this.#isStalled);
    this.#pause = setTimeout(() => this.resume(), EXHAUSTED_PAUSE).unref();
  }

  #onReady(ready: number): void {
    // Whoever was served is likely to wait again at once: the watch goes on, and no system call is spent on it. A
    // direction that nobody waited for would fire at every turn of the loop.
    const unwanted = ready & ~this.#wanted();
    if (ready & READABLE) this.#drained = false;
    if (ready & READABLE) this.#serve(this.#readers);
    if (ready & WRITABLE) this.#serve(this.#writers);
    if (this.#closed || !this.#poll) return;
    if (this.busy.busyPollUsecs > 0) this.#poll.busyPoll(this.busy.busyPollUsecs);
    const over = unwanted | (this.#readers.pauses ? READABLE : 0) | (this.#writers.pauses ? WRITABLE : 0);
    if ((this.#poll.watched & over) !== 0) this.#poll.watch(this.#poll.watched & ~over, this.#isStalled);
    this.#settle();
  }

  /** Lets those of a line try that the descriptor is said to be ready for. */
  #serve(queue: WaitQueue): void {
    if (!queue.watches) return void queue.advance();
    const sentBefore = this.#sent;
    let served = queue.advance() || this.#sent !== sentBefore;
    if (!served && queue.watches && queue === this.#readers && isReceiveShutDown(this.fd))
      served = queue.finishShutDown();
    queue.stalled = !served && queue.watches;
    queue.vain = queue.stalled ? queue.vain + 1 : 0;
    if (queue.stalled) this.#retryLater();
  }

  /**
   * Whether somebody waits though the descriptor is ready. The watch reports changes only then. What changes without being
   * reported (room in the queue of a peer that one is not connected to) is found by trying again after a pause, and so is
   * what a try in vain itself reports as a change (a datagram that a unix socket's peer did not take).
   */
  get #isStalled(): boolean {
    return this.#readers.isStalled || this.#writers.isStalled;
  }

  #retryLater(): void {
    if (this.#retry) return;
    this.#retryPause ??= new GrowingPause();
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      for (const queue of [this.#readers, this.#writers]) {
        if (!queue.isStalled) continue;
        queue.vain = 0;
        this.#serve(queue);
      }
      this.#settle();
    }, this.#retryPause.take()).unref();
  }

  #endRetries(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#retryPause = undefined;
  }
}

/** EMFILE at the first wait of a process, ENOMEM, ENOSPC (fs.epoll.max_user_watches). */
function unwatched(error: unknown): () => Error {
  return () => (error instanceof EpollError ? systemError(error.errno, error.syscall) : (error as Error));
}

/** What may not wait, and would have to. */
export function wouldBlock(syscall: string): IothError {
  return new IothError('EAGAIN', {
    syscall,
    hint: 'the socket is non-blocking (timeout 0) and the operation would wait',
  });
}
