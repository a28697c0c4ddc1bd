import { errno, POLLIN } from '../../ffi/libc.js';
import { libvdeplug, type VdeConnPointer } from '../../ffi/vdeplug.js';
import { codeOf } from '../core/errno.js';
import { AbortError, IothError, systemError } from '../core/errors.js';
import { refLoop, unrefLoop } from '../io/keepalive.js';
import { PollHandle, READABLE, WRITABLE } from '../io/poll-handle.js';
import { pollOnce } from '../io/poll-sync.js';
import { wouldBlock } from '../io/readiness.js';
import { type Operation, WAIT, Waiter, WaitQueue } from '../io/wait-queue.js';
import { copyOfScratch, type END, type FrameSource, MIN_FRAME_SIZE, receive } from './frame-source.js';
import { NodePeers } from './switch/node-peers.js';

/** The most frames that wait for the program. Further ones are lost, as in a network card. */
export const MAX_QUEUED_FRAMES = 1024;
/** The number of frames in a row before a sender waits for the event loop, so that other work runs. */
const MAX_BURST_FRAMES = 64;
/** The number of events that are handled before other work runs. */
const MAX_EVENTS = 64;
/** Gives up after this many errors in a row. */
const MAX_ERRORS = 1024;

/**
 * A node that others join: `switch://`, `hub://`, `multi://` or `bonding://`. It works only inside the vde_recv(3) calls of its
 * own port. So the port makes these calls as long as it is open, even if the program does not receive.
 *
 * vde_recv(3) handles one event: a peer that joins, asks for a port or leaves, a frame to forward, or a frame that is (also) for
 * the port itself. It blocks if there is no event, so poll(2) is called first.
 */
export class NodeSource implements FrameSource {
  dropped = 0;
  readonly #readers = new WaitQueue();
  /** The senders that wait for a turn of the loop. */
  readonly #senders = new WaitQueue();
  readonly #frames: Buffer[] = [];
  #poll: PollHandle | undefined;
  #errors = 0;
  #failure: Error | undefined;
  #refs = true;
  #refsLoop = false;
  #sent = 0;
  #isClosed = false;
  readonly #peers: NodePeers;

  /** @throws {IothError} */
  constructor(
    readonly conn: VdeConnPointer,
    readonly epfd: number,
  ) {
    this.#poll = new PollHandle(epfd, READABLE, () => this.#serve());
    try {
      this.#peers = new NodePeers(epfd);
    } catch (error) {
      this.#poll.close();
      throw error;
    }
  }

  #serve(): void {
    let others = 0;
    for (let events = 0; events < MAX_EVENTS && this.#poll && pollOnce(this.epfd, POLLIN, 0) & POLLIN; events++) {
      const length = receive(this.conn);
      if (length >= MIN_FRAME_SIZE) this.#queue(length);
      else others++;
      if (length >= 0) this.#errors = 0;
      // most errors are those of one peer: the node goes on with the others
      else if (++this.#errors > MAX_ERRORS) this.#fail(systemError(errno(), 'vde_recv'));
    }
    if (others > 0) this.#peers.afterCalls(others, MAX_EVENTS);
    this.#advance();
  }

  #queue(length: number): void {
    if (this.#frames.length < MAX_QUEUED_FRAMES) this.#frames.push(copyOfScratch(length));
    else this.dropped++;
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#poll?.close();
    this.#poll = undefined;
    this.#advance();
  }

  take(): Buffer | typeof WAIT | typeof END {
    return this.#frames.shift() ?? this.#wait();
  }

  takeInto(buffer: Uint8Array): number | typeof WAIT | typeof END {
    const frame = this.#frames.shift();
    return frame ? frame.copy(buffer) : this.#wait();
  }

  #wait(): typeof WAIT {
    if (this.#failure) throw this.#failure;
    return WAIT;
  }

  /** Calls vde_send(3), which never waits: a frame for a peer with a full queue is lost. @throws {IothError} */
  send(frame: Uint8Array): boolean {
    if (this.#isClosed) throw new IothError('EBADF', { syscall: 'vde_send', hint: 'the port is closed' });
    this.#sent++;
    if (libvdeplug().send(this.conn, frame, frame.byteLength, 0) >= 0) return true;
    const error = errno();
    if (codeOf(error) === 'EAGAIN') return true;
    throw systemError(error, 'vde_send');
  }

  run<T>(operation: Operation<T>, owner: object, timeout: number | null, signal: AbortSignal | undefined): Promise<T> {
    if (signal?.aborted) return Promise.reject(new AbortError(signal.reason));
    const isSender = operation.direction === WRITABLE;
    if (isSender && !this.#mustYield(timeout)) return attempted(operation);
    const queue = isSender ? this.#senders : this.#readers;
    return new Promise((resolve, reject) => {
      const waiter = new Waiter(operation, owner, resolve, reject) as Waiter<unknown>;
      queue.waiters.push(waiter);
      if (isSender) this.#yield();
      else this.#advance();
      if (!queue.waiters.includes(waiter)) return;
      if (timeout === 0) this.#endEarly(queue, waiter, wouldBlock(operation.syscall));
      else if (timeout !== null || signal) waiter.arm(timeout, signal, (error) => this.#endEarly(queue, waiter, error));
      this.#updateRef();
    });
  }

  #endEarly(queue: WaitQueue, waiter: Waiter<unknown>, error: Error): void {
    queue.remove(waiter);
    waiter.reject(error);
    this.#updateRef();
  }

  /** Returns whether a sender waits: after a burst the peers need time to receive. Frames without room in their queues are lost. */
  #mustYield(timeout: number | null): boolean {
    return this.#senders.yields || (this.#sent > MAX_BURST_FRAMES && timeout !== 0);
  }

  /** Lets the senders go on in the next turn of the loop. */
  #yield(): void {
    if (this.#senders.yields) return;
    this.#senders.yields = true;
    setImmediate(() => {
      this.#sent = 0;
      this.#senders.yields = false;
      this.#senders.advance();
    });
  }

  resume(): void {
    this.#advance();
  }

  #advance(): void {
    this.#readers.advance();
    this.#updateRef();
  }

  setRef(referenced: boolean): void {
    this.#refs = referenced;
    this.#updateRef();
  }

  #updateRef(): void {
    const refs = this.#refs && this.#readers.waiters.length > 0;
    if (refs === this.#refsLoop) return;
    this.#refsLoop = refs;
    if (refs) refLoop();
    else unrefLoop();
  }

  close(error: ((operation: Operation<unknown>) => Error) | undefined): void {
    this.#isClosed = true;
    this.#poll?.close();
    this.#poll = undefined;
    this.#peers.closeWaiting();
    this.#peers.close();
    this.#readers.rejectAll(error);
    this.#senders.rejectAll(error);
    this.#updateRef();
  }
}

/** Makes the only attempt of a call that does not wait. */
function attempted<T>(operation: Operation<T>): Promise<T> {
  try {
    return Promise.resolve(operation.attempt() as T);
  } catch (error) {
    return Promise.reject(error);
  }
}
