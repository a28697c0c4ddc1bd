import { addressText, type Bytes } from './bytes.js';

const TYPES: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
  41: 'OPT',
  65: 'HTTPS',
};
const CODES = ['no error', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];
/** How many records are read, and labels of a name. */
const MAX_RECORDS = 20;
const MAX_LABELS = 64;

/** A DNS message: RFC 1035. */
export interface DnsMessage {
  readonly isResponse: boolean;
  readonly questions: readonly string[];
  readonly answers: readonly string[];
  readonly code: string;
}

/** Reads a DNS message. Names are as they came: what shows them must escape them. */
export function dnsMessage(bytes: Bytes, start: number): DnsMessage | undefined {
  if (bytes.length < start + 12) return undefined;
  const flags = bytes.u16(start + 2);
  let at = start + 12;
  const questions: string[] = [];
  for (let i = Math.min(bytes.u16(start + 4), MAX_RECORDS); i > 0 && at < bytes.length; i--) {
    const { name, end } = nameAt(bytes, start, at);
    questions.push(`${name} ${typeText(bytes.u16(end))}`);
    at = end + 4;
  }
  const answers: string[] = [];
  for (let i = Math.min(bytes.u16(start + 6), MAX_RECORDS); i > 0 && at + 10 < bytes.length; i--) {
    const { name, end } = nameAt(bytes, start, at);
    const [type, length] = [bytes.u16(end), bytes.u16(end + 8)];
    answers.push(`${name} ${typeText(type)} ${dataText(bytes, start, type, end + 10, length)}`);
    at = end + 10 + length;
  }
  const code = flags & 15;
  return { isResponse: (flags & 0x8000) !== 0, questions, answers, code: CODES[code] ?? `code ${code}` };
}

function typeText(type: number): string {
  return TYPES[type] ?? `TYPE${type}`;
}

function dataText(bytes: Bytes, start: number, type: number, at: number, length: number): string {
  if (type === 1 && length === 4) return addressText(bytes, at, 4);
  if (type === 28 && length === 16) return addressText(bytes, at, 16);
  if (type === 2 || type === 5 || type === 12) return nameAt(bytes, start, at).name;
  if (type === 15) return nameAt(bytes, start, at + 2).name;
  if (type === 16) return `"${bytes.text(at + 1, at + Math.min(length, 1 + bytes.u8(at)))}"`;
  return `${length} bytes`;
}

/** Reads a name; compression only leads back. */
function nameAt(bytes: Bytes, start: number, from: number): { name: string; end: number } {
  const labels: string[] = [];
  let [at, end] = [from, -1];
  while (labels.length < MAX_LABELS && at < bytes.length) {
    const length = bytes.u8(at);
    if (length === 0) {
      at++;
      break;
    }
    if (length >= 0xc0) {
      const target = start + (bytes.u16(at) & 0x3fff);
      if (end < 0) end = at + 2;
      if (target >= at) break;
      at = target;
      continue;
    }
    labels.push(bytes.text(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.') || '.', end: end < 0 ? at : end };
}
