import { AF_INET, Stack } from 'ioth';
import { withinDeadline } from './measure.js';

/** The times of the life of some stacks, in milliseconds for all of them. */
export interface Life {
  stacks: number;
  create: number;
  configure: number;
  close: number;
}

const COUNTS = [1, 50, 200];

/** Makes vdestacks without a network behind them, configures them, closes all at once. */
export async function stackLives(wanted: (group: string) => boolean): Promise<Life[]> {
  if (!wanted('stacks')) return [];
  const lives: Life[] = [];
  for (const count of [1, ...COUNTS]) lives.push(await withinDeadline(life(count)));
  // the first turn is a warm-up
  return lives.slice(1);
}

async function life(count: number): Promise<Life> {
  const stacks: Stack[] = [];
  try {
    const create = timed(() => {
      for (let i = 0; i < count; i++) stacks.push(new Stack('vdestack', 'null://'));
    });
    const configure = timed(() => {
      for (const stack of stacks) {
        const ifindex = stack.if_nametoindex('vde0');
        stack.linksetupdown(ifindex, true);
        stack.ipaddr_add(AF_INET, '10.0.0.1', 24, ifindex);
      }
    });
    const start = performance.now();
    await Promise.all(stacks.map((stack) => stack.close()));
    return { stacks: count, create, configure, close: performance.now() - start };
  } finally {
    await Promise.all(stacks.map((stack) => stack.close()));
  }
}

function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
