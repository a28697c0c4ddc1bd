import { writeSync } from 'node:fs';
import { EPOLL_CTL_ADD, EPOLLIN, errno, libc } from '../../../ffi/libc.js';
import { SOCK_CLOEXEC } from '../../constants/socket.js';
import { systemError } from '../../core/errors.js';
import { GrowingPause } from '../../core/waiting.js';
import { DATA_WORD, EVENT_WORDS } from '../../io/event-set.js';
import { PollHandle, READABLE } from '../../io/poll-handle.js';
import { NodePeers, type NodeServer } from './node-peers.js';

/** The time between two checks of the peers of a busy node, in milliseconds. */
const LONGEST_PAUSE_MS = 1000;

/**
 * Closes peers that have gone from a node that a stack's daemon serves. A peer that leaves without asking for a port would be a
 * permanent event, and the daemon would poll without a pause. The daemon shares our descriptor table, so they are closed here.
 *
 * Watches the node's event set, with a pause after each event. It wakes up about once a second while frames go through the node,
 * and never while nothing happens.
 */
export class NodeWatch {
  readonly #peers: NodePeers;
  /** The eventfd(2) in the node's event set. */
  readonly #alarm: number;
  readonly #server: NodeServer;
  readonly #poll: PollHandle;
  #pause = new GrowingPause(LONGEST_PAUSE_MS);
  #timer: NodeJS.Timeout | undefined;
  #watchedSince = performance.now();
  #isClosed = false;

  /**
   * @param node the event set of the node
   * @param server the process that serves the node
   * @throws {Error} if descriptors (EMFILE) or watches (ENOSPC) run out
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
      // memory or watches ran out
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

/** The value that is written to the eventfd(2). */
const ONE = new BigUint64Array([1n]);

/** Adds an eventfd(2) to a node's event set. The node takes it for a peer's data socket, and reads too few bytes for a frame. */
function addAlarm(node: number, alarm: number): void {
  const event = new Uint32Array(EVENT_WORDS);
  event[0] = EPOLLIN;
  event.fill(alarm, DATA_WORD, DATA_WORD + 2);
  if (libc().epoll_ctl(node, EPOLL_CTL_ADD, alarm, event) < 0) throw systemError(errno(), 'epoll_ctl');
}
