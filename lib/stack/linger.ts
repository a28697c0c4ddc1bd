import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { GrowingPause } from '../core/growing-pause.js';
import { endInterrupts, interruptFd } from '../io/interrupt.js';
import { READABLE } from '../io/poll-handle.js';
import { waitSync } from '../io/poll-sync.js';
import { resetsSent, type Undelivered, undelivered } from './undelivered.js';
import type { Daemon } from './vdestack-daemon.js';

/** How long the end of a stack waits for its peers, in milliseconds. */
export interface LingerLimits {
  /** Without a peer that takes any of the data that is queued. */
  stall: number;
  /** In all. */
  total: number;
}

/** Something that ends, whose daemon must go on until what was sent is delivered. */
export interface Lingering {
  readonly daemon: Daemon | undefined;
  /** Tells the peers that no more will come. */
  reset(connections: readonly Undelivered[]): void;
}

/** Of close(), and of a program that ends because nothing is left to do. */
export const DEFAULT_LINGER_MS = 5000;
/** A FIN is on its way at once; the acknowledgement of a peer that is gone never comes. */
const FIN_LINGER_MS = 50;
/** For the frames that are queued for the daemon, and for a reset that a peer asks about. */
const FRAMES_TIMEOUT_MS = 500;
const MAX_PAUSE_MS = 16;

/** What one stack still has to deliver, and whether it is worth to wait. */
class Delivery {
  readonly #start = performance.now();
  #progressAt = this.#start;
  #bytes = Number.POSITIVE_INFINITY;
  #left: readonly Undelivered[] = [];
  /** So many RST are sent when each question of a peer is answered; 0 where none is expected. */
  #resets = 0;

  constructor(
    readonly stack: Lingering,
    readonly daemon: Daemon,
    readonly limits: LingerLimits,
  ) {}

  /** Looks once more. False where all is delivered, or the peers take no more. */
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

  /** Tells the peers of what is left. */
  giveUp(): void {
    if (this.#left.length === 0 || !this.daemon.alive) return;
    this.stack.reset(this.#left);
    const questions = this.#left.filter(({ isUnderWay }) => isUnderWay).length;
    if (questions > 0) this.#resets = resetsSent(this.daemon.pid) + questions;
  }

  /**
   * Whether a peer may still ask. One that misses what was under way takes no reset before it has asked whether it was meant,
   * and that question is answered by another one (RFC 5961, 3.2).
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
 * @returns undefined where there is nothing to wait for
 */
export function linger(stack: Lingering, limits: LingerLimits): Promise<void> | undefined {
  const [delivery] = deliveriesOf([stack], limits);
  if (!delivery) return undefined;
  let isPending = delivery.isPending();
  const pause = new GrowingPause(MAX_PAUSE_MS);
  // worker.terminate() would leave what is half done: where it is a matter of moments it is done at once
  while (isPending && !isMainThread && !delivery.hasData) {
    sleep(pause.take());
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

/** The same for several, blocking: their waits are one. A signal by which somebody wants the process to end, ends it. */
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
  while (deliveries.some(isBusy) && performance.now() < deadline) sleep(1);
}

/** Sleeps so long, or until a signal came: the loop, if it turns again, gets it too. */
function isInterruptedWithin(milliseconds: number): boolean {
  const fd = interruptFd();
  if (fd >= 0) return waitSync(fd, READABLE, milliseconds);
  sleep(milliseconds);
  return false;
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
