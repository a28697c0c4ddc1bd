/** A line that means nothing, as it is reported. */
export interface Problem {
  /** From 1. */
  line: number;
  text: string;
  reason: string;
}

/** Reads a text line by line, as words. `read` returns what is wrong with a line, for the list of problems. */
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
/** How much of a line a warning repeats. */
const MAX_TEXT = 120;
const warned = new Set<string>();

/** Warns of what is wrong with `origin`, of each line once a process. */
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
