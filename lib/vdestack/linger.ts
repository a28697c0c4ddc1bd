import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { checkOptions } from '../core/validate.js';
import { GrowingPause, sleepSync } from '../core/waiting.js';
import { endInterrupts, interruptFd } from '../io/interrupt.js';
import { READABLE } from '../io/poll-handle.js';
import { waitSync } from '../io/poll-sync.js';
import { checkTimeout } from '../socket/timeouts.js';
import type { CloseOptions } from './close-options.js';
import { resetsSent, type Undelivered, undelivered } from './undelivered.js';
import type { Daemon } from './vdestack-daemon.js';

/** Limits on how long the end of a stack waits for its peers, in milliseconds. */
export interface LingerLimits {
  /** The limit while no peer accepts any of the queued data. */
  stall: number;
  /** The limit in total. */
  total: number;
}

/** Something that ends, while its daemon must run until all sent data is delivered. */
export interface Lingering {
  readonly daemon: Daemon | undefined;
  /** Resets the connections, to tell the peers that no more data follows. */
  reset(connections: readonly Undelivered[]): void;
}

/**
 * Checks the options of close(). Without them the limits are also those of a program that ends because it has nothing left to do.
 */
export function lingerLimits(options?: CloseOptions): LingerLimits {
  const { linger = DEFAULT_LINGER_SECONDS } = checkOptions(options, ['linger']);
  return { stall: (checkTimeout('options.linger', linger) ?? 0) * 1000, total: Number.POSITIVE_INFINITY };
}

const DEFAULT_LINGER_SECONDS = 5;
/** A FIN is sent at once. A peer that is gone never acknowledges it. */
const FIN_LINGER_MS = 50;
/** The time for frames that the daemon or its switch has not read, and for a reset that a peer asks about. */
const FRAMES_TIMEOUT_MS = 500;
const MAX_PAUSE_MS = 16;

/** The data that one stack still has to deliver, and how long to wait for it. */
class Delivery {
  readonly #start = performance.now();
  #progressAt = this.#start;
  #bytes = Number.POSITIVE_INFINITY;
  #left: readonly Undelivered[] = [];
  /** The count of sent RST at which every challenge of a peer is answered; 0 if none is expected. */
  #resets = 0;

  constructor(
    readonly stack: Lingering,
    readonly daemon: Daemon,
    readonly limits: LingerLimits,
  ) {}

  /** Looks again. Returns false if all is delivered, or if the peers accept no more. */
  isPending(): boolean {
    const { stall, total } = this.limits;
    const now = performance.now();
    const left = undelivered(this.daemon.pid);
    const bytes = left.reduce((sum, connection) => sum + connection.bytes, 0);
    if (bytes < this.#bytes || left.length < this.#left.length) this.#progressAt = now;
    this.#left = left;
    this.#bytes = bytes;
    const patience = bytes > 0 ? stall : Math.min(stall, FIN_LINGER_MS);
    return left.length > 0 && now - this.#progressAt < patience && now - this.#start < total;
  }

  get hasData(): boolean {
    return this.#bytes > 0;
  }

  /** Resets the connections that are left. */
  giveUp(): void {
    if (this.#left.length === 0 || !this.daemon.alive) return;
    this.stack.reset(this.#left);
    const questions = this.#left.filter(({ isUnderWay }) => isUnderWay).length;
    if (questions > 0) this.#resets = resetsSent(this.daemon.pid) + questions;
  }

  /**
   * True if a peer may still ask. A peer that misses data in flight does not accept a reset at once. It first sends a challenge
   * ACK, which is answered with another reset (RFC 5961, section 3.2).
   */
  get mayBeAsked(): boolean {
    return this.#resets > 0 && resetsSent(this.daemon.pid) < this.#resets;
  }
}

function deliveriesOf(stacks: readonly Lingering[], limits: LingerLimits): Delivery[] {
  return stacks.flatMap((stack) => (stack.daemon?.alive ? [new Delivery(stack, stack.daemon, limits)] : []));
}

/**
 * Waits until the peers of a stack, whose sockets are closed, have all that was sent to them.
 * @returns undefined if there is nothing to wait for
 */
export function linger(stack: Lingering, limits: LingerLimits): Promise<void> | undefined {
  const [delivery] = deliveriesOf([stack], limits);
  if (!delivery) return undefined;
  let isPending = delivery.isPending();
  const pause = new GrowingPause(MAX_PAUSE_MS);
  // worker.terminate() would leave the work half done: if it takes only moments, do it at once
  while (isPending && !isMainThread && !delivery.hasData) {
    sleepSync(pause.take());
    isPending = delivery.isPending();
  }
  return isPending || delivery.daemon.hasFrames ? finish(delivery) : undefined;
}

async function finish(delivery: Delivery): Promise<void> {
  const pause = new GrowingPause(MAX_PAUSE_MS);
  while (delivery.isPending()) await delay(pause.take());
  delivery.giveUp();
  const deadline = performance.now() + FRAMES_TIMEOUT_MS;
  while ((delivery.daemon.hasFrames || delivery.mayBeAsked) && performance.now() < deadline) await delay(1);
}

/** Waits for several stacks together, blocking. A signal that would end the process ends the wait. */
export function lingerSync(stacks: readonly Lingering[], limits: LingerLimits): void {
  const deliveries = deliveriesOf(stacks, limits);
  let pending = deliveries;
  const pause = new GrowingPause(MAX_PAUSE_MS);
  for (;;) {
    pending = pending.filter((delivery) => delivery.isPending());
    if (pending.length === 0 || isInterruptedWithin(pause.take())) break;
  }
  // the process may be about to end itself by a signal
  endInterrupts();
  for (const delivery of deliveries) delivery.giveUp();
  const deadline = performance.now() + FRAMES_TIMEOUT_MS;
  const isBusy = ({ daemon, mayBeAsked }: Delivery) => daemon.isCarrying || mayBeAsked;
  while (deliveries.some(isBusy) && performance.now() < deadline) sleepSync(1);
}

/** Sleeps for this long, or until a signal comes. If the loop runs again, it gets the signal too. */
function isInterruptedWithin(milliseconds: number): boolean {
  const fd = interruptFd();
  if (fd >= 0) return waitSync(fd, READABLE, milliseconds);
  sleepSync(milliseconds);
  return false;
}
