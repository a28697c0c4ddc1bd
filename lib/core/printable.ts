/** The characters that are unsafe on a terminal: controls, and those that hide text or turn its direction. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Escapes untrusted text for a terminal: '\027[2J' is harmless. Bytes are written as in zone files (RFC 1035, 5.1). */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) =>
    Array.from(Buffer.from(character), (byte) => `\\${String(byte).padStart(3, '0')}`).join(''),
  );
}

/** Escapes untrusted text, but keeps its line breaks. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** Escapes the unsafe characters that `JSON.stringify` leaves in JSON. Its value stays the same. */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, (character) =>
    character === '\n' ? character : Array.from({ length: character.length }, (_, i) => unit(character, i)).join(''),
  );
}

function unit(text: string, i: number): string {
  return `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`;
}
