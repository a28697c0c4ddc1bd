/** The numbers of frames that did not arrive, by cause. */
export interface DropCounts {
  /** The fault `loss`. */
  loss: number;
  /** The queue for the rate was full. */
  queue: number;
  /** CoDel dropped them, because frames waited too long for the rate. */
  codel: number;
  /** Sender and receiver were in different groups of a partition. */
  partition: number;
  /** The direction was cut. */
  cut: number;
  /** The port of the sender or of the receiver was down. */
  down: number;
  /** The receiver did not take them in time, or is gone. */
  full: number;
  /** A NAT dropped them: they had no mapping, or were filtered. */
  nat: number;
  /** A firewall dropped or rejected them. */
  firewall: number;
  /** An intercept dropped or rejected them. */
  intercepted: number;
}

/** The counts of a port. A dropped frame counts at the port that it came from, once for each port that it was for. */
export interface PortStats {
  /** Frames that came from the port. */
  received: { frames: number; bytes: number };
  /** Frames that went to it. */
  sent: { frames: number; bytes: number };
  dropped: DropCounts;
  /** The numbers of frames that were duplicated, had a bit flipped, or overtook others, on purpose. */
  duplicated: number;
  corrupted: number;
  reordered: number;
}

/** The counts of a network. */
export interface NetworkStats<P extends string = string> {
  /** The ports that are open, by name. */
  ports: Record<P, PortStats>;
  /** The sum of all ports, those that were removed too. */
  total: PortStats;
}

export function newStats(): PortStats {
  return {
    received: { frames: 0, bytes: 0 },
    sent: { frames: 0, bytes: 0 },
    dropped: {
      loss: 0,
      queue: 0,
      codel: 0,
      partition: 0,
      cut: 0,
      down: 0,
      full: 0,
      nat: 0,
      firewall: 0,
      intercepted: 0,
    },
    duplicated: 0,
    corrupted: 0,
    reordered: 0,
  };
}

export function sumOf(all: readonly PortStats[]): PortStats {
  const sum = newStats();
  for (const stats of all) {
    for (const way of ['received', 'sent'] as const) {
      sum[way].frames += stats[way].frames;
      sum[way].bytes += stats[way].bytes;
    }
    for (const cause of Object.keys(sum.dropped) as (keyof DropCounts)[]) sum.dropped[cause] += stats.dropped[cause];
    for (const what of ['duplicated', 'corrupted', 'reordered'] as const) sum[what] += stats[what];
  }
  return sum;
}
