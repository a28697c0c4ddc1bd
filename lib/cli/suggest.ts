/** Returns the name of `known` that is nearest to `word`: one or two typing errors away, or one that begins with `word`. */
export function suggestion(word: string, known: readonly string[]): string | undefined {
  const limit = word.length <= 3 ? 1 : 2;
  const distances = known.map((name) => [name, distance(word, name)] as const).sort(([, a], [, b]) => a - b);
  const [nearest] = distances;
  if (nearest && nearest[1] <= limit) return nearest[0];
  return word.length >= 2 ? known.find((name) => name.startsWith(word)) : undefined;
}

/** Returns how many letters must be inserted, deleted, changed or exchanged with the next one (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (before[j - 2] as number) + 1);
      }
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length] as number;
}
