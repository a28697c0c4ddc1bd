import type { Plug } from './plug.js';
import { newStats } from './stats.js';

/** A name of a network, with the port that it has now: what was counted and decided for the name outlives the port. */
export class Station {
  readonly stats = newStats();
  plug: Plug | undefined;
  isUp = true;
  /** Of a partition; 0 for who is in no group, and all where there is none. */
  group = 0;

  constructor(
    readonly index: number,
    readonly name: string,
  ) {}
}
