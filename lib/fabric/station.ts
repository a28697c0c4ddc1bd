import type { Plug } from './plug.js';
import { newStats } from './stats.js';

/** A name in a network, and the port that it has now. The counts and faults of the name outlive the port. */
export class Station {
  readonly stats = newStats();
  plug: Plug | undefined;
  isUp = true;
  /** The group in a partition; 0 for stations in no group, and for all without a partition. */
  group = 0;

  constructor(
    readonly index: number,
    readonly name: string,
  ) {}
}
