import { mkdirSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

/** What stands in for a switch that hangs: it accepts its peers, and never answers them. */
export class HungSwitch {
  readonly path: string;
  readonly #server: Server;
  readonly #peers: Socket[] = [];
  readonly #listeners: (() => void)[] = [];

  private constructor(dir: string) {
    this.path = join(dir, 'hung');
    mkdirSync(this.path);
    this.#server = createServer({ pauseOnConnect: true }, (peer) => {
      this.#peers.push(peer.on('error', () => {}));
      for (const listener of this.#listeners.splice(0)) listener();
    });
  }

  static async start(dir: string): Promise<HungSwitch> {
    const started = new HungSwitch(dir);
    await new Promise<void>((done) => started.#server.listen(join(started.path, 'ctl'), done));
    return started;
  }

  get vnl(): string {
    return `vde://${this.path}`;
  }

  /** How many peers came. */
  get peers(): number {
    return this.#peers.length;
  }

  /** Until the next peer comes. */
  nextPeer(): Promise<void> {
    return new Promise((done) => this.#listeners.push(done));
  }

  async stop(): Promise<void> {
    for (const peer of this.#peers) peer.destroy();
    await new Promise((done) => this.#server.close(done));
  }
}
