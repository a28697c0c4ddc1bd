import { h } from '../dom.js';

const ROW = 16;

/** Makes a dump of bytes, in which some can be marked. */
export function hexDump(
  bytes: Uint8Array,
  length: number,
): { element: HTMLElement; mark(from: number, to: number): void } {
  const element = h('pre', { class: 'hex', 'aria-label': 'Bytes' });
  const mark = (from: number, to: number) => {
    element.replaceChildren(...linesOf(bytes, from, to));
    if (length > bytes.length) element.append(`… ${length - bytes.length} more bytes`);
  };
  mark(0, 0);
  return { element, mark };
}

function linesOf(bytes: Uint8Array, from: number, to: number): (Node | string)[] {
  const parts: (Node | string)[] = [];
  for (let start = 0; start < bytes.length; start += ROW) {
    const row = Array.from(bytes.subarray(start, start + ROW));
    parts.push(`${start.toString(16).padStart(4, '0')}  `);
    for (const [i, byte] of row.entries()) {
      const text = byte.toString(16).padStart(2, '0');
      const isMarked = start + i >= from && start + i < to;
      parts.push(isMarked ? h('mark', {}, text) : text, i === 7 ? '  ' : ' ');
    }
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    parts.push(`${'   '.repeat(ROW - row.length)} ${text}\n`);
  }
  return parts;
}
