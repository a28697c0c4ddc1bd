/** What the tests use of bittorrent-dht, which brings no types. */
declare module 'bittorrent-dht' {
  import type { EventEmitter } from 'node:events';

  interface Node {
    host: string;
    port: number;
  }

  export class Client extends EventEmitter<{
    ready: [];
    peer: [peer: Node, infoHash: Buffer, from: Node | null];
  }> {
    /** @param options with the time in milliseconds that a node may take to answer */
    constructor(options: { bootstrap: readonly string[] | false; timeout: number });
    listen(port: number, onListening: () => void): void;
    announce(infoHash: Buffer, done: (error: Error | null) => void): void;
    lookup(infoHash: Buffer, done: (error: Error | null) => void): void;
    toJSON(): { nodes: Node[] };
    destroy(done: () => void): void;
  }
}
