/** Problem with a line of a file. */
export interface Problem {
  /** The line number, from 1. */
  line: number;
  text: string;
  reason: string;
}

/** Splits a text into lines and words. Calls `read` for each line; `read` returns the problems of the line. */
export function readLines(text: string, comment: RegExp, read: (words: string[]) => readonly string[]): Problem[] {
  const problems: Problem[] = [];
  text.split('\n').forEach((line, index) => {
    const words = wordsOf(line, comment);
    const reasons = words.length > 0 ? read(words) : [];
    for (const reason of reasons) problems.push({ line: index + 1, text: line.trim(), reason });
  });
  return problems;
}

export function wordsOf(line: string, comment: RegExp): string[] {
  return line.replace(comment, '').match(/\S+/g) ?? [];
}

const MAX_WARNINGS = 5;
/** How many characters of a line a warning repeats. */
const MAX_TEXT = 120;
const warned = new Set<string>();

/** Emits a process warning for each problem of `origin`, at most 5, and each one once per process. */
export function warnOfProblems<T extends { problems: Problem[] }>(origin: string, parsed: T): T {
  for (const { line, text, reason } of parsed.problems.slice(0, MAX_WARNINGS)) {
    const message = `${origin}, line ${line}: ${shortened(reason)} (${shortened(text)})`;
    if (warned.has(message)) continue;
    warned.add(message);
    process.emitWarning(message, { type: 'IothWarning', code: 'IOTH_NAMES' });
  }
  return parsed;
}

function shortened(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}
