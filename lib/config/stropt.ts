/** Option of a stropt(3) string: `tag` or `tag=value`. `value` is null without `=`. */
export interface Option {
  tag: string;
  value: string | null;
}

const SEPARATORS = ' \t\n;,';

/**
 * Splits a string like stropt(3): options are separated by commas, semicolons and white space; `'…'`, `"…"` and `\` quote;
 * `#` starts a comment that ends with the line. An unclosed quote ends with the string.
 */
export function stropt(input: string): Option[] {
  const options: Option[] = [];
  let tag = '';
  let value: string | null = null;
  let started = false;
  let quote = '';

  const append = (char: string) => {
    if (value === null) tag += char;
    else value += char;
  };
  const finish = () => {
    if (started) options.push({ tag, value });
    tag = '';
    value = null;
    started = false;
  };

  for (let i = 0; i < input.length; i++) {
    const char = input[i]!;
    if (quote !== '') {
      if (char === quote) quote = '';
      else append(char);
    } else if (char === "'" || char === '"') {
      quote = char;
      started = true;
    } else if (char === '\\') {
      started = true;
      const protectedChar = input[++i] ?? '\n';
      // a backslash at the end of a line joins it with the next one
      if (protectedChar !== '\n') append(protectedChar);
    } else if (char === '#') {
      finish();
      const end = input.indexOf('\n', i);
      i = end === -1 ? input.length : end;
    } else if (SEPARATORS.includes(char)) {
      finish();
    } else if (char === '=' && value === null) {
      started = true;
      value = '';
    } else {
      started = true;
      append(char);
    }
  }
  finish();
  return options;
}
