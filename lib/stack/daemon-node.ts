import { NodePeers } from '../vde/node-peers.js';

/** The peers of a node that a stack's daemon serves: what it opened for them is in our descriptor table, and C does not know of it. */
export class DaemonNode {
  readonly #peers: NodePeers;
  #isClosed = false;

  /**
   * @param node the event set of the node
   * @throws {Error} out of descriptors
   */
  constructor(node: number) {
    this.#peers = new NodePeers(node);
  }

  /** Closes what the daemon, which has ended, opened for its peers. Call it before C closes the node. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#peers.closeAll();
    this.#peers.close();
  }
}
