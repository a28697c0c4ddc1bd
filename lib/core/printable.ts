/** What others can send to a terminal: control characters, and those that hide text or turn its direction. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Text that others chose, for a terminal: '\027[2J' is harmless. Bytes stand as zone files have them (RFC 1035, 5.1). */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) =>
    Array.from(Buffer.from(character), (byte) => `\\${String(byte).padStart(3, '0')}`).join(''),
  );
}

/** The same of text in lines: they stay lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** JSON that `JSON.stringify` made, which leaves some of those characters as they are: the value is the same. */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, (character) =>
    character === '\n' ? character : Array.from({ length: character.length }, (_, i) => unit(character, i)).join(''),
  );
}

function unit(text: string, i: number): string {
  return `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`;
}
