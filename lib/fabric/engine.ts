import { EPOLLIN, libc } from '../../ffi/libc.js';
import { MSG_DONTWAIT } from '../constants/index.js';
import { DueHeap } from './due-heap.js';
import { Forwarder, type UnderWay } from './forwarder.js';
import { FrameStore } from './frame-store.js';
import type { Plug } from './plug.js';
import { type CallMessage, type Calls, END_WORD, type WorkerMessage, type WorkerSettings } from './protocol.js';
import { CaptureFeed } from './recorder.js';
import { TimedEventSet } from './timed-event-set.js';

/** The longest wait: worker.terminate() has to wait for it. */
const MAX_WAIT_MS = 50;
/** Busy polling replaces the timer for a time that is nearer than this. */
const AWAKE_MS = 0.03;
/** The pause before a receiver that took no more frames is tried again. */
const RETRY_MS = 0.2;
const WAKE_SIZE = 64;

/** The loop of the thread that forwards. It never returns to libuv's loop, whose timers have a resolution of milliseconds. */
export class Engine {
  readonly #events = new TimedEventSet();
  readonly #store = new FrameStore();
  readonly #heap = new DueHeap<UnderWay>();
  readonly #slowPlugs = new Set<Plug>();
  readonly #networks = new Map<string, Forwarder>();
  readonly #feeds = new Map<number, CaptureFeed>();
  readonly #control: Int32Array;
  readonly #post: (message: WorkerMessage) => void;
  readonly #calls: Calls;

  /**
   * @param settings the settings that the thread was started with
   * @param receive returns the next message, if there is one
   * @throws {IothError}
   */
  constructor(
    settings: WorkerSettings,
    receive: () => CallMessage | undefined,
    post: (message: WorkerMessage) => void,
  ) {
    this.#control = new Int32Array(settings.control);
    this.#post = post;
    this.#calls = this.#callsWith(settings.seed);
    const news = new Uint8Array(WAKE_SIZE);
    this.#events.add(settings.wakefd, EPOLLIN, () => {
      libc().recv(settings.wakefd, news, WAKE_SIZE, MSG_DONTWAIT);
      for (let message = receive(); message; message = receive()) this.#serve(message);
    });
  }

  /** Runs until the thread is told to end. */
  run(): void {
    while (Atomics.load(this.#control, END_WORD) === 0) {
      const now = performance.now();
      const next = this.#nextTime(now);
      const isNear = next - now < AWAKE_MS;
      if (!isNear) this.#events.wakeAt(next, now);
      this.#events.wait(isNear ? 0 : MAX_WAIT_MS);
      this.#deliver();
    }
    for (const feed of this.#feeds.values()) feed.flush();
    for (const network of this.#networks.values()) network.end();
    this.#events.close();
  }

  #nextTime(now: number): number {
    let next = this.#heap.nextDue;
    for (const plug of this.#slowPlugs) plug.sendWaiting();
    if (this.#slowPlugs.size > 0) next = Math.min(next, now + RETRY_MS);
    for (const feed of this.#feeds.values()) {
      if (feed.dueAt <= now) feed.flush();
      next = Math.min(next, feed.dueAt);
    }
    return next;
  }

  #deliver(): void {
    if (this.#heap.size === 0) return;
    const now = performance.now();
    while (this.#heap.nextDue <= now) {
      const entry = this.#heap.take()!;
      entry.path.forwarder.deliver(entry);
      this.#store.release(entry.frame);
      this.#heap.free(entry);
    }
  }

  #serve({ id, call, args }: CallMessage): void {
    try {
      const value = (this.#calls[call] as (...args: readonly unknown[]) => unknown)(...args);
      this.#post({ id, value });
    } catch (error) {
      const { code, syscall, message } = error as { code?: string; syscall?: string; message: string };
      this.#post({ id, failure: { code: code ?? 'ERR_INTERNAL_ASSERTION', syscall, message } });
    }
  }

  #network(name: string): Forwarder {
    const network = this.#networks.get(name);
    if (!network) throw new Error(`there is no network '${name}'`);
    return network;
  }

  #callsWith(seed: number): Calls {
    const shared = { seed, events: this.#events, store: this.#store, heap: this.#heap, slowPlugs: this.#slowPlugs };
    return {
      addNetwork: (name, isWire) => void this.#networks.set(name, new Forwarder(name, shared, isWire)),
      addPort: (network, ...args) => this.#network(network).addPort(...args),
      removePort: (network, name) => this.#network(network).removePort(name),
      setPortUp: (network, ...args) => this.#network(network).setPortUp(...args),
      setFaults: (network, rule) => this.#network(network).setFaults(rule),
      partition: (network, groups) => this.#network(network).partition(groups),
      stats: (network) => this.#network(network).stats(),
      recentFrames: (network) => this.#network(network).recentFrames(),
      startCapture: (network, capture) => this.#startCapture(this.#network(network), capture),
      captureTaken: (_network, capture, bytes) => this.#feeds.get(capture)?.taken(bytes),
      stopCapture: (network, capture) => this.#stopCapture(this.#network(network), capture),
    };
  }

  #startCapture(network: Forwarder, capture: number): void {
    const feed = new CaptureFeed((batch) => this.#post({ capture, names: network.names(), batch }));
    this.#feeds.set(capture, feed);
    network.feeds.add(feed);
  }

  #stopCapture(network: Forwarder, capture: number): number {
    const feed = this.#feeds.get(capture);
    if (!feed) return 0;
    feed.flush();
    this.#feeds.delete(capture);
    network.feeds.delete(feed);
    return feed.missed;
  }
}
