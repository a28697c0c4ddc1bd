/** A line that means nothing, as it is reported. */
export interface Problem {
  /** From 1. */
  line: number;
  text: string;
  reason: string;
}

/** Reads a text line by line, as words. `read` returns what is wrong with a line, for the list of problems. */
export function readLines(text: string, comment: RegExp, read: (words: string[]) => readonly string[]): Problem[] {
  return text.split('\n').flatMap((line, index) => {
    const words = line.replace(comment, '').split(/\s+/).filter(Boolean);
    const reasons = words.length > 0 ? read(words) : [];
    return reasons.map((reason) => ({ line: index + 1, text: line.trim(), reason }));
  });
}

const MAX_WARNINGS = 5;
const warned = new Set<string>();

/** Warns of what is wrong with `origin`, of each line once a process. */
export function warnOfProblems<T extends { problems: Problem[] }>(origin: string, parsed: T): T {
  for (const { line, text, reason } of parsed.problems.slice(0, MAX_WARNINGS)) {
    const message = `${origin}, line ${line}: ${reason} (${text})`;
    if (warned.has(message)) continue;
    warned.add(message);
    process.emitWarning(message, { type: 'IothWarning', code: 'IOTH_NAMES' });
  }
  return parsed;
}
