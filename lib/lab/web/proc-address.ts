import { endianness } from 'node:os';
import { ipText } from '../../address/ip.js';

const WORD = 8;

/** Returns an address and port of /proc/net/tcp as text: '0100007F:0050' is 127.0.0.1:80. Each word is in the machine's order. */
export function formatIpOfProc(text: string): string {
  const [address = '', port = ''] = text.split(':');
  const words = address.match(new RegExp(`.{${WORD}}`, 'g')) ?? [];
  const bytes = Buffer.concat(
    words.map((word) => {
      const each = Buffer.from(word, 'hex');
      return endianness() === 'LE' ? each.reverse() : each;
    }),
  );
  const shown = ipText(bytes);
  const number = Number.parseInt(port, 16);
  return `${shown.includes(':') ? `[${shown}]` : shown}:${number === 0 ? '*' : number}`;
}
