import type { FabricCapture, LabNetwork } from '../../lab/index.js';
import { UsageError } from '../command.js';

/** The captures that `capture` started. */
export class Captures {
  readonly #running = new Map<string, { readonly file: string; readonly capture: FabricCapture }>();

  async start(network: LabNetwork, file: string): Promise<void> {
    const other = this.#running.get(network.name);
    if (other) throw new UsageError(`the frames of ${network.name} go to ${other.file} already`);
    this.#running.set(network.name, { file, capture: await network.capture(file) });
  }

  /** Ends a capture. @returns a line about it @throws {UsageError} if there is none */
  async stop(network: string): Promise<string> {
    const running = this.#running.get(network);
    if (!running) throw new UsageError(`the frames of ${network} are not captured`);
    this.#running.delete(network);
    await running.capture.stop();
    return lineOf(network, running.file, running.capture);
  }

  get lines(): string[] {
    return [...this.#running].map(([network, { file, capture }]) => lineOf(network, file, capture));
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#running.keys()].map((network) => this.stop(network)));
  }
}

function lineOf(network: string, file: string, { frames }: FabricCapture): string {
  return `${network}: ${frames} frames in ${file}`;
}
