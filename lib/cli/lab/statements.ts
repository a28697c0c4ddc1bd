import { UsageError } from '../command.js';

/** A command of the lab. */
export interface Statement {
  /** What was written, without spaces around it. */
  readonly text: string;
  /** Its words, without their quotes. */
  readonly words: readonly string[];
}

/** A quoted part, an escaped character, an end of a statement, space, a comment, or other characters. */
const TOKEN = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([;\n])|([^\S\n]+)|((?<![^\s;])#[^\n]*)|([^'"\\;\s])/gsy;

/**
 * Splits text into statements, at line breaks and semicolons, and these into words. Quotes and backslashes work as in a shell; a
 * word that begins with # begins a comment.
 * @throws {UsageError} for a quote that does not end
 */
export function statementsOf(text: string): Statement[] {
  const statements: Statement[] = [];
  let [start, words, word] = [0, [] as string[], undefined as string | undefined];
  const endWord = () => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endStatement = (end: number, next: number) => {
    endWord();
    if (words.length > 0) statements.push({ text: text.slice(start, end).trim(), words });
    [start, words] = [next, []];
  };
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; ) {
    const [token = '', single, double, escaped, end, space, comment, other] = TOKEN.exec(text) ?? [];
    if (token === '') throw new UsageError(`${text[at] === '\\' ? 'a backslash' : `the quote ${text[at]}`} has no end`);
    if (end !== undefined || comment !== undefined) endStatement(at, at + token.length);
    else if (space !== undefined) endWord();
    else word = (word ?? '') + (single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? other ?? '');
    at += token.length;
  }
  endStatement(text.length, text.length);
  return statements;
}
