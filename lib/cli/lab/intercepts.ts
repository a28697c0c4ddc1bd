import type { Intercept, InterceptOptions, LabNetwork, PacketAction, PacketMatch } from '../../lab/index.js';
import { UsageError } from '../command.js';

/** The intercepts that `intercept` started. */
export class Intercepts {
  #running: { readonly network: string; readonly text: string; readonly intercept: Intercept }[] = [];

  /**
   * Starts one; the network checks the arguments.
   * @param text as it was written, for the list
   */
  async start(
    network: LabNetwork,
    text: string,
    ...args: [match: PacketMatch, action: PacketAction, limits: InterceptOptions]
  ): Promise<void> {
    this.#running.push({ network: network.name, text, intercept: await network.intercept(...args) });
  }

  /** Ends those of a network. @throws {UsageError} if there is none */
  async stop(network: string): Promise<void> {
    const own = this.#running.filter((each) => each.network === network);
    if (own.length === 0) throw new UsageError(`there is no intercept on ${network}`);
    this.#running = this.#running.filter((each) => each.network !== network);
    for (const { intercept } of own) await intercept.stop();
  }

  get lines(): string[] {
    return this.#running.map(
      ({ network, text, intercept: { hits } }) => `${network} ${text}: ${hits} ${hits === 1 ? 'frame' : 'frames'}`,
    );
  }
}
