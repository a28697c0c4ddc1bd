import type { Worker } from 'node:worker_threads';
import { IothError } from '../core/errors.js';
import { within } from '../core/waiting.js';
import { startWorker } from '../thread/start-worker.js';
import { WakeSocket } from '../thread/wake-socket.js';
import { BUSY_WORD, CLAIMED, END_WORD, ENDED, STARTING, STATE_WORD, type WireMessage, WORKING } from './protocol.js';

/** The time that the thread has to start, and to serve a wire. The caller is blocked until then. */
const START_TIMEOUT_MS = 60_000;
/** The time that the thread has to stop using a wire. */
const END_TIMEOUT_MS = 10_000;
/** The time that the end of the last wire waits for the thread, without blocking the event loop. */
const EXIT_TIMEOUT_MS = 10_000;
const WORDS_SIZE = 3 * Int32Array.BYTES_PER_ELEMENT;

/** A wire that the thread serves. */
export interface ServedWire {
  /** True while the thread has frames of the stack that it has not sent. */
  readonly isBusy: boolean;
  /** Makes the thread stop using it. Returns false if the thread hangs in C. Blocks for less than a millisecond otherwise. */
  end(): boolean;
}

/** The thread that carries frames, from the side of the thread that started it. */
export class PumpThread {
  readonly #worker: Worker;
  readonly #wakeSocket = new WakeSocket();
  readonly #control = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #exited: Promise<void>;
  readonly #failures = new Set<() => void>();
  #hasExited = false;

  constructor() {
    const workerData = { wakefd: this.#wakeSocket.wakefd, control: this.#control.buffer };
    try {
      this.#worker = startWorker('wire/pump', 'ioth wire', workerData);
    } catch (cause) {
      this.#wakeSocket.close();
      throw new IothError('EAGAIN', { syscall: 'ioth_newstack', hint: NOT_STARTED, cause });
    }
    this.#worker.unref();
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#hasExited = true;
        this.#wakeSocket.close();
        this.#fail();
        resolve();
      });
    });
    // 'exit' follows
    this.#worker.on('error', () => {});
  }

  /** True once the thread has ended, by itself too. */
  get hasExited(): boolean {
    return this.#hasExited;
  }

  /**
   * Makes the thread serve a wire. Blocks until it does.
   * @param onFailure called when the thread ends before the wire
   * @throws {IothError} ETIMEDOUT, ENOSPC
   */
  serve(wire: Omit<WireMessage, 'control'>, onFailure: () => void): ServedWire {
    const words = new Int32Array(new SharedArrayBuffer(WORDS_SIZE));
    this.#worker.postMessage({ ...wire, control: words.buffer } satisfies WireMessage);
    this.#wakeSocket.wake();
    Atomics.wait(words, STATE_WORD, STARTING, START_TIMEOUT_MS);
    const isTaken = Atomics.compareExchange(words, STATE_WORD, STARTING, ENDED) !== STARTING;
    if (!isTaken) throw new IothError('ETIMEDOUT', { syscall: 'ioth_newstack', hint: NOT_STARTED });
    Atomics.wait(words, STATE_WORD, CLAIMED, START_TIMEOUT_MS);
    if (Atomics.load(words, STATE_WORD) !== WORKING) {
      throw new IothError('ENOSPC', { syscall: 'ioth_newstack', hint: 'epoll watches ran out' });
    }
    this.#failures.add(onFailure);
    return {
      get isBusy() {
        return Atomics.load(words, BUSY_WORD) !== 0;
      },
      end: () => {
        this.#failures.delete(onFailure);
        Atomics.store(words, END_WORD, 1);
        this.#wakeSocket.wake();
        return this.#hasExited || Atomics.wait(words, STATE_WORD, WORKING, END_TIMEOUT_MS) !== 'timed-out';
      },
    };
  }

  /** Ends the thread, which serves no wire any more. */
  async end(): Promise<void> {
    this.endSoon();
    this.#worker.ref();
    await within(this.#exited, EXIT_TIMEOUT_MS);
    this.#worker.unref();
  }

  /** Tells the thread to end. */
  endSoon(): void {
    Atomics.store(this.#control, 0, 1);
    this.#wakeSocket.wake();
  }

  #fail(): void {
    for (const onFailure of this.#failures) onFailure();
    this.#failures.clear();
  }
}

const NOT_STARTED = 'the thread that carries its frames did not start';
