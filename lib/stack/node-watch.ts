import { GrowingPause } from '../core/growing-pause.js';
import { PollHandle, READABLE } from '../io/poll-handle.js';
import { NodePeers } from '../vde/node-peers.js';
import { readProcFile } from './proc-file.js';

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
  readonly #poll: PollHandle;
  #pause = new GrowingPause(LONGEST_PAUSE_MS);
  #timer: NodeJS.Timeout | undefined;
  #watchedSince = performance.now();
  #isClosed = false;

  /**
   * @param node the event set of the node
   * @param daemonPid who serves it
   * @throws {Error} out of descriptors, or of watches (ENOSPC)
   */
  constructor(
    node: number,
    readonly daemonPid: number,
  ) {
    this.#peers = new NodePeers(node);
    try {
      this.#poll = new PollHandle(node, READABLE, () => this.#look());
    } catch (error) {
      this.#peers.close();
      throw error;
    }
  }

  #look(): void {
    this.#poll.watch(0);
    const hasRested = performance.now() - this.#watchedSince > LONGEST_PAUSE_MS;
    if (this.#peers.closeGone(() => readCalls(this.daemonPid)) > 0 || hasRested)
      this.#pause = new GrowingPause(LONGEST_PAUSE_MS);
    this.#watchLater();
  }

  #watchLater(): void {
    this.#timer = setTimeout(() => this.#watch(), this.#pause.take()).unref();
  }

  #watch(): void {
    try {
      this.#poll.watch(READABLE);
      this.#watchedSince = performance.now();
    } catch {
      // out of memory, or of watches
      this.#watchLater();
    }
  }

  /** Ends the watch, and closes what the daemon, which has ended, opened for its peers. Call it before C closes the node. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#poll.close();
    this.#peers.closeAll();
    this.#peers.close();
  }
}

/** How many calls of read(2) a process made: proc_pid_io(5). Where that is not known, a figure that grows more slowly. */
function readCalls(pid: number): number {
  const calls = /^syscr: (\d+)/m.exec(readProcFile(pid, 'io'))?.[1];
  return calls === undefined ? performance.now() / LONGEST_PAUSE_MS : Number(calls);
}
