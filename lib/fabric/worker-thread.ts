import type { Worker } from 'node:worker_threads';
import { IothError } from '../core/errors.js';
import { within } from '../core/waiting.js';
import { startWorker } from '../thread/start-worker.js';
import { WakeSocket } from '../thread/wake-socket.js';
import type { InterceptEvent } from './intercept/events.js';
import type { LiveBatch } from './live-feed.js';
import type { NatMapping } from './nat/mapping.js';
import {
  type ArgumentsOf,
  type Callees,
  type CallMessage,
  END_WORD,
  ENDED,
  type ResultOf,
  STATE_WORD,
  WORKING,
  type WorkerMessage,
} from './protocol.js';
import type { FrameBatch } from './recorder.js';

/** The time that the end of the process waits for the thread, which checks for its end after each event. */
const END_TIMEOUT_MS = 2000;
/** The time that {@link WorkerThread.end} waits for the thread, without blocking the event loop. */
const EXIT_TIMEOUT_MS = 10_000;

interface Pending {
  done(value: unknown): void;
  fail(error: Error): void;
}

interface CaptureListener {
  take(names: readonly string[], batch: FrameBatch): void;
  /** Ends the capture when the thread is gone. Does not reject. */
  end(): Promise<unknown>;
}
/** Gets undefined when the thread is gone. */
type InterceptListener = (event: InterceptEvent | undefined) => void;

/** A worker thread of a Fabric, from the side of the thread that started it. */
export class WorkerThread {
  readonly captures = new Map<number, CaptureListener>();
  /** Who gets the mappings of NATs, by the names of their routers. */
  readonly nats = new Map<string, (mapping: NatMapping, isMade: boolean) => void>();
  /** Who gets frames to show, by the names of networks. */
  readonly shown = new Map<string, Set<(batch: LiveBatch) => void>>();
  readonly intercepts = new Map<number, InterceptListener>();
  readonly #worker: Worker;
  readonly #wakeSocket = new WakeSocket();
  readonly #control: Int32Array;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  #captureEnds: Promise<unknown>[] = [];
  #lastId = 0;
  #hasExited = false;
  #failure: Error | undefined;

  private constructor(seed: number) {
    const control = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
    this.#control = new Int32Array(control);
    this.#worker = newWorker({ seed, wakefd: this.#wakeSocket.wakefd, control });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#onExit();
        resolve();
      });
    });
    this.#worker.on('error', (cause) => {
      this.#failure = cause as Error;
    });
    this.#worker.on('message', (message: WorkerMessage) => this.#onMessage(message));
  }

  /** Starts the thread. @throws {IothError} ERR_IOTH_FABRIC if it cannot be started, EMFILE */
  static async start(seed: number): Promise<WorkerThread> {
    const thread = new WorkerThread(seed);
    await new Promise<void>((resolve, reject) => {
      thread.#pending.set(0, { done: () => resolve(), fail: reject });
    });
    return thread;
  }

  get hasEnded(): boolean {
    return this.#hasExited || this.#mustEnd;
  }

  get #mustEnd(): boolean {
    return this.#control[END_WORD] !== 0;
  }

  /** Calls a method of a network. Calls are served in order. @throws {IothError} */
  call<M extends keyof Callees['network']>(
    call: M,
    network: string,
    ...args: ArgumentsOf<Callees['network'][M]>
  ): Promise<ResultOf<Callees['network'][M]>> {
    return this.callOf('network', network, call, ...args);
  }

  /** Calls a method of a network, NAT or firewall. Calls are served in order. @throws {IothError} */
  callOf<K extends keyof Callees, M extends keyof Callees[K] & string>(
    kind: K,
    name: string,
    call: M,
    ...args: ArgumentsOf<Callees[K][M]>
  ): Promise<ResultOf<Callees[K][M]>> {
    return this.#call({ kind, name, call, args }) as Promise<ResultOf<Callees[K][M]>>;
  }

  #call(message: Omit<CallMessage, 'id'>): Promise<unknown> {
    if (this.hasEnded) return Promise.reject(this.#endedError());
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { done: resolve, fail: reject });
      this.#worker.ref();
      this.#worker.postMessage({ id, ...message });
      this.#wakeSocket.wake();
    });
  }

  #onMessage(message: WorkerMessage): void {
    if ('capture' in message) {
      this.captures.get(message.capture)?.take(message.names, message.batch);
      return;
    }
    if ('live' in message) {
      // a thread that is gone shows nothing more
      this.call('shownTaken', message.live).catch(() => {});
      for (const show of this.shown.get(message.live) ?? []) show(message.batch);
      return;
    }
    if ('router' in message) {
      this.nats.get(message.router)?.(message.mapping, message.isMade);
      return;
    }
    if ('intercept' in message) {
      this.intercepts.get(message.intercept)?.(message.event);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    // an open fabric does not keep the process alive, a pending call does
    if (this.#pending.size === 0 && !this.hasEnded) this.#worker.unref();
    if ('failure' in message) {
      const { code, syscall, message: text } = message.failure;
      pending?.fail(Object.assign(new IothError(code, { syscall }), { message: text }));
    } else pending?.done(message.value);
  }

  #onExit(): void {
    const hasDied = !this.#mustEnd && this.#control[STATE_WORD] !== 0;
    this.#hasExited = true;
    this.#wakeSocket.close();
    if (hasDied) warnOfDeath(this.#failure);
    const error = this.#endedError();
    for (const { fail } of this.#pending.values()) fail(error);
    this.#pending.clear();
    for (const listener of this.intercepts.values()) listener(undefined);
    this.#captureEnds = [...this.captures.values()].map((capture) => capture.end());
  }

  #endedError(): IothError {
    const hint = this.#mustEnd ? 'it is closed' : 'its worker thread has died';
    return new IothError('ERR_IOTH_FABRIC', { hint: `the fabric is gone: ${hint}`, cause: this.#failure });
  }

  /** Ends the thread, and its captures. Leaves one that hangs in C for ten seconds to the end of the process. */
  async end(): Promise<void> {
    this.#tellToEnd();
    this.#worker.ref();
    await within(this.#exited, EXIT_TIMEOUT_MS);
    this.#worker.unref();
    await Promise.all(this.#captureEnds);
  }

  /** Ends threads at the end of the process. Blocks up to two seconds, until they use no port any more. */
  static endSync(threads: readonly WorkerThread[]): void {
    for (const thread of threads) thread.#tellToEnd();
    const deadline = performance.now() + END_TIMEOUT_MS;
    for (const thread of threads) {
      const left = Math.max(0, deadline - performance.now());
      if (!thread.isIdle) Atomics.wait(thread.#control, STATE_WORD, WORKING, left);
    }
  }

  /** True if the thread uses no port any more. */
  get isIdle(): boolean {
    return this.#hasExited || this.#control[STATE_WORD] === ENDED;
  }

  #tellToEnd(): void {
    if (this.#hasExited) return;
    Atomics.store(this.#control, END_WORD, 1);
    this.#wakeSocket.wake();
  }
}

/** Says at once what a caller would learn at the next call. */
function warnOfDeath(failure: Error | undefined): void {
  const why = failure ? `: ${failure.message}` : '';
  process.emitWarning(`A thread that forwards frames has died${why}. Its networks carry no frames any more.`, {
    type: 'IothWarning',
    code: 'IOTH_FABRIC',
  });
}

function newWorker(workerData: unknown): Worker {
  try {
    return startWorker('fabric/worker', 'ioth fabric', workerData);
  } catch (cause) {
    throw new IothError('ERR_IOTH_FABRIC', { hint: 'the worker thread cannot be started', cause });
  }
}
