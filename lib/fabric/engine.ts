import { Messages } from '../../ffi/mmsg.js';
import { TimedEventSet } from '../thread/timed-event-set.js';
import { onWake } from '../thread/wake-socket.js';
import { MAX_FRAME_SIZE } from '../vde/frame-source.js';
import { FrameStore } from '../vde/frame-store.js';
import { Outbox } from '../vde/outbox.js';
import { MAX_BATCH } from '../vde/plug.js';
import { DueHeap } from './due-heap.js';
import { Forwarder, type SharedParts } from './forwarder.js';
import { type CallMessage, END_WORD, type WorkerMessage, type WorkerSettings } from './protocol.js';

/** The longest wait: worker.terminate() has to wait for it. */
const MAX_WAIT_MS = 50;
/** Busy polling replaces the timer for a time that is nearer than this. */
const AWAKE_MS = 0.03;
/** The pause before a receiver that took no more frames is tried again. */
const RETRY_MS = 0.2;
const SECOND_MS = 1000;

/** The loop of the thread that forwards. It never returns to libuv's loop, whose timers have a resolution of milliseconds. */
export class Engine {
  readonly #shared: SharedParts;
  readonly #networks = new Map<string, Forwarder>();
  readonly #control: Int32Array;
  readonly #post: (message: WorkerMessage) => void;
  /** When the counts of the networks are noted again. */
  #nextSecond = nextSecond(performance.now());

  /**
   * @param receive returns the next message, if there is one
   * @throws {IothError}
   */
  constructor(
    { seed, wakefd, control }: WorkerSettings,
    receive: () => CallMessage | undefined,
    post: (message: WorkerMessage) => void,
  ) {
    this.#control = new Int32Array(control);
    this.#post = post;
    this.#shared = {
      seed,
      events: new TimedEventSet(),
      store: new FrameStore(),
      heap: new DueHeap(),
      slowPlugs: new Set(),
      batches: { inbox: new Messages(MAX_BATCH, MAX_FRAME_SIZE), outbox: new Outbox() },
      feeds: new Set(),
      gates: { nat: new Map(), firewall: new Map() },
      postFrames: (capture, names, batch) => post({ capture, names, batch }),
      postLive: (network, batch) => post({ live: network, batch }),
      postIntercept: (intercept, event) => post({ intercept, event }),
      postMapping: (router, mapping, isMade) => post({ router, mapping, isMade }),
    };
    onWake(this.#shared.events, wakefd, () => {
      for (let message = receive(); message; message = receive()) this.#serve(message);
    });
  }

  /** Runs until the thread is told to end. */
  run(): void {
    const { events, feeds } = this.#shared;
    while (Atomics.load(this.#control, END_WORD) === 0) {
      const now = performance.now();
      // the longest wait is short enough for it: a timer would be another system call between two frames
      if (now >= this.#nextSecond) this.#markSecond(now);
      const next = this.#nextTime(now);
      const isNear = next - now < AWAKE_MS;
      if (!isNear) events.wakeAt(next, now);
      events.wait(isNear ? 0 : MAX_WAIT_MS);
      this.#deliver();
    }
    for (const feed of feeds) feed.flush();
    for (const network of this.#networks.values()) network.end();
    events.close();
  }

  #markSecond(now: number): void {
    for (const network of this.#networks.values()) network.markSecond(now);
    this.#nextSecond = nextSecond(now);
  }

  #nextTime(now: number): number {
    const { heap, slowPlugs, feeds } = this.#shared;
    let next = Number.POSITIVE_INFINITY;
    for (const plug of slowPlugs) plug.sendWaiting();
    if (slowPlugs.size > 0) next = Math.min(next, now + RETRY_MS);
    for (const feed of feeds) {
      if (feed.dueAt <= now) feed.flush();
      next = Math.min(next, feed.dueAt);
    }
    return Math.min(next, heap.nextDue);
  }

  #deliver(): void {
    const { heap, store } = this.#shared;
    if (heap.size === 0) return;
    const now = performance.now();
    while (heap.nextDue <= now) {
      const entry = heap.take()!;
      store.mark = entry.frame.mark;
      entry.destination.arrive(entry.frame, entry.due);
      store.release(entry.frame);
      heap.free(entry);
    }
  }

  #serve({ id, kind, name, call, args }: CallMessage): void {
    try {
      const callee = kind === 'network' ? this.#network(name) : this.#shared.gates[kind].get(name)!;
      const value: unknown = Reflect.apply(Reflect.get(callee, call), callee, args);
      this.#post({ id, value });
    } catch (error) {
      const { code, syscall, message } = error as { code?: string; syscall?: string; message: string };
      this.#post({ id, failure: { code: code ?? 'ERR_INTERNAL_ASSERTION', syscall, message } });
    }
  }

  #network(name: string): Forwarder {
    let network = this.#networks.get(name);
    if (!network) {
      network = new Forwarder(name, this.#shared);
      this.#networks.set(name, network);
    }
    return network;
  }
}

function nextSecond(now: number): number {
  return now - (now % SECOND_MS) + SECOND_MS;
}
