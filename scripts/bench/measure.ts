/** One contender's turn: does the work once and returns its figure, in most rows its time in milliseconds. */
export type Turn = () => Promise<number>;

const DEADLINE = 30_000;

/** Returns the figures of every turn: A B C, A B C …, `rounds` times, after `warmUps` turns each that do not count. */
export async function inTurn(turns: readonly Turn[], rounds: number, warmUps = 1): Promise<number[][]> {
  const samples: number[][] = turns.map(() => []);
  for (let round = -warmUps; round < rounds; round++) {
    for (const [i, turn] of turns.entries()) {
      const elapsed = await withinDeadline(turn());
      if (round >= 0) samples[i]?.push(elapsed);
    }
  }
  return samples;
}

/** Rejects if the work hangs. */
export function withinDeadline<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`a measurement took more than ${DEADLINE / 1000} s`)), DEADLINE);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 ? high : (low + high) / 2;
}

/** Returns the first and the third quartile; of fewer than five values the least and the greatest. */
export function quartiles(values: readonly number[]): readonly [number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const skipped = sorted.length < 5 ? 0 : Math.round((sorted.length - 1) / 4);
  return [sorted[skipped] ?? Number.NaN, sorted.at(-1 - skipped) ?? Number.NaN];
}
