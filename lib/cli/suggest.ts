/** Returns the name of `known` that is nearest to `word`: one or two typing errors away, or one that begins with `word`. */
export function suggestion(word: string, known: readonly string[]): string | undefined {
  const limit = word.length <= 3 ? 1 : 2;
  const distances = known.map((name) => [name, distance(word, name)] as const).sort(([, a], [, b]) => a - b);
  const [nearest] = distances;
  if (nearest && nearest[1] <= limit) return nearest[0];
  return word.length >= 2 ? known.find((name) => name.startsWith(word)) : undefined;
}

/** Returns the message for a name that there is not, with the name that was probably meant. */
export function noSuch(kind: string, word: string, known: readonly string[]): string {
  const meant = suggestion(word, known);
  return `there is no ${kind} '${word}'${meant ? `: did you mean '${meant}'?` : ''}`;
}

/** Returns how many letters must be inserted, deleted, changed or exchanged with the next one (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (_, j) => i + j));
  const at = (i: number, j: number) => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const changed = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isExchanged = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const exchanged = isExchanged ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY;
      rows[i]![j] = Math.min(changed, exchanged, at(i - 1, j) + 1, at(i, j - 1) + 1);
    }
  }
  return at(a.length, b.length);
}
