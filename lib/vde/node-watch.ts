import { writeSync } from 'node:fs';
import { EPOLL_CTL_ADD, EPOLLIN, errno, libc } from '../../ffi/libc.js';
import { SOCK_CLOEXEC } from '../constants/index.js';
import { systemError } from '../core/errors.js';
import { GrowingPause } from '../core/growing-pause.js';
import { DATA_WORD, EVENT_WORDS } from '../io/epoll.js';
import { PollHandle, READABLE } from '../io/poll-handle.js';
import { NodePeers, type NodeServer } from './node-peers.js';

/** While a node has much to do its peers are looked at so often, in milliseconds. */
const LONGEST_PAUSE_MS = 1000;

/**
 * Sees to the peers of a node that a stack's daemon serves. One that leaves without having asked for a port would be an event for
 * ever in the daemon, which polls then without a rest. The daemon has our descriptor table: such peers are closed here.
 *
 * The node's event set is watched, but after an event not until a pause is over: while frames go through the node that is once a
 * second, and while nothing happens never.
 */
export class NodeWatch {
  readonly #peers: NodePeers;
  /** An eventfd(2) in the node's event set. */
  readonly #alarm: number;
  readonly #server: NodeServer;
  readonly #poll: PollHandle;
  #pause = new GrowingPause(LONGEST_PAUSE_MS);
  #timer: NodeJS.Timeout | undefined;
  #watchedSince = performance.now();
  #isClosed = false;

  /**
   * @param node the event set of the node
   * @param server who serves it
   * @throws {Error} out of descriptors, or of watches (ENOSPC)
   */
  constructor(node: number, server: NodeServer) {
    this.#peers = new NodePeers(node);
    this.#alarm = libc().eventfd(0, SOCK_CLOEXEC);
    this.#server = server;
    try {
      addAlarm(node, this.#alarm);
      this.#poll = new PollHandle(node, READABLE, () => this.#look());
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  #look(): void {
    this.#poll.watch(0);
    const hasRested = performance.now() - this.#watchedSince > LONGEST_PAUSE_MS;
    const gone = this.#peers.closeGone(this.#server, () => writeSync(this.#alarm, ONE));
    if (gone > 0 || hasRested) this.#pause = new GrowingPause(LONGEST_PAUSE_MS);
    this.#watchLater();
  }

  #watchLater(): void {
    this.#timer = setTimeout(() => this.#goOn(), this.#pause.take()).unref();
  }

  #goOn(): void {
    if (this.#peers.isClosing) {
      this.#look();
      return;
    }
    try {
      this.#poll.watch(READABLE);
      this.#watchedSince = performance.now();
    } catch {
      // out of memory, or of watches
      this.#watchLater();
    }
  }

  /** Ends the watch. Call it when the daemon has ended, and before C closes the node. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#poll.close();
    this.#release();
  }

  #release(): void {
    this.#peers.close();
    libc().close(this.#alarm);
  }
}

/** What is written to an eventfd(2). */
const ONE = new BigUint64Array([1n]);

/** A node takes an eventfd(2) in its event set for a peer's data socket: what it reads from it is too short for a frame. */
function addAlarm(node: number, alarm: number): void {
  const event = new Uint32Array(EVENT_WORDS);
  event[0] = EPOLLIN;
  event.fill(alarm, DATA_WORD, DATA_WORD + 2);
  if (libc().epoll_ctl(node, EPOLL_CTL_ADD, alarm, event) < 0) throw systemError(errno(), 'epoll_ctl');
}
