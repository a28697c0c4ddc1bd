/** Why frames did not arrive. */
export interface DropCounts {
  /** The fault of that name. */
  loss: number;
  /** More waited for the rate than the queue has room for. */
  queue: number;
  /** Sender and receiver were in different groups of a partition. */
  partition: number;
  /** The port of the sender or of the receiver was down. */
  down: number;
  /** The receiver did not take them in time, or is gone. */
  full: number;
}

/** What a port saw. What is dropped counts with the port that the frame came from, once for each port that it was for. */
export interface PortStats {
  /** What came from the port. */
  received: { frames: number; bytes: number };
  /** What went out to it. */
  sent: { frames: number; bytes: number };
  dropped: DropCounts;
  /** How many frames had a second copy, had a wrong bit, or overtook others, on purpose. */
  duplicated: number;
  corrupted: number;
  reordered: number;
}

/** What a network saw. */
export interface NetworkStats {
  ports: Record<string, PortStats>;
  /** The sum of all ports, those that were removed too. */
  total: PortStats;
}

export function newStats(): PortStats {
  return {
    received: { frames: 0, bytes: 0 },
    sent: { frames: 0, bytes: 0 },
    dropped: { loss: 0, queue: 0, partition: 0, down: 0, full: 0 },
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
