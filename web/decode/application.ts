import { addressText, type Bytes } from './bytes.js';
import { dnsMessage } from './dns.js';
import type { Kind } from './frame.js';

/** What a message of a program says. */
export interface Application {
  readonly kind?: Kind;
  readonly name: string;
  readonly info: string;
  readonly fields: Readonly<Record<string, string>>;
}

const DNS_PORTS = [53, 5353];
const DHCP_PORTS = [67, 68];
const DHCP_TYPES = ['', 'discover', 'offer', 'request', 'decline', 'ack', 'nak', 'release', 'inform'];
const DHCP_COOKIE = 0x63825363;
const [DHCP_TYPE, DHCP_HOST] = [53, 12];
const HTTP = /^(?:(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE) \S+ HTTP\/1\.[01]|HTTP\/1\.[01] \d{3})/;
const MAX_LINE = 200;
const TLS_TYPES: Readonly<Record<number, string>> = { 20: 'change cipher', 21: 'alert', 22: 'handshake', 23: 'data' };

/** Reads what is in a packet, by its ports and first bytes. */
export function applicationOf(
  { kind, fromPort, toPort }: { kind: Kind; fromPort: number; toPort: number },
  bytes: Bytes,
  at: number,
): Application | undefined {
  const isOf = (ports: readonly number[]) => ports.includes(fromPort) || ports.includes(toPort);
  if (isOf(DNS_PORTS)) return dns(bytes, kind === 'tcp' ? at + 2 : at);
  if (kind === 'udp') return isOf(DHCP_PORTS) ? dhcp(bytes, at) : undefined;
  return http(bytes, at) ?? tls(bytes, at);
}

function dns(bytes: Bytes, at: number): Application | undefined {
  const message = dnsMessage(bytes, at);
  if (!message) return undefined;
  const { isResponse, questions, answers, code } = message;
  const asked = questions.join(', ');
  const answer = answers.length > 0 ? answers.map((each) => each.split(' ').slice(1).join(' ')).join(', ') : code;
  return {
    kind: 'dns',
    name: 'DNS',
    info: isResponse ? `${asked}: ${answer}` : `${asked}?`,
    fields: { question: asked, ...(isResponse ? { answer: answers.join('; '), code } : {}) },
  };
}

function dhcp(bytes: Bytes, at: number): Application | undefined {
  if (bytes.u32(at + 236) !== DHCP_COOKIE) return undefined;
  const options = new Map<number, [from: number, to: number]>();
  for (let i = at + 240; i < bytes.length && bytes.u8(i) !== 255; i += 2 + bytes.u8(i + 1)) {
    options.set(bytes.u8(i), [i + 2, i + 2 + bytes.u8(i + 1)]);
  }
  const type = DHCP_TYPES[bytes.u8(options.get(DHCP_TYPE)?.[0] ?? -1)] || 'message';
  const address = addressText(bytes, at + 16, 4);
  const host = options.get(DHCP_HOST);
  const name = host && bytes.text(...host);
  const info = [type, address === '0.0.0.0' ? '' : address, name ? `for ${name}` : ''].filter(Boolean).join(' ');
  return { name: 'DHCP', info, fields: { type, address, ...(name ? { 'host name': name } : {}) } };
}

function http(bytes: Bytes, at: number): Application | undefined {
  const text = bytes.text(at, Math.min(bytes.length, at + MAX_LINE));
  if (!HTTP.test(text)) return undefined;
  const line = text.split('\r\n')[0]!;
  const headers = bytes.text(at, bytes.length).split('\r\n\r\n')[0]!.split('\r\n').slice(1);
  const fields = headers.map((header): [string, string] => {
    const [name = '', ...value] = header.split(':');
    return [name, value.join(':').trim()];
  });
  return { kind: 'http', name: 'HTTP', info: line, fields: { line, ...Object.fromEntries(fields) } };
}

function tls(bytes: Bytes, at: number): Application | undefined {
  const type = TLS_TYPES[bytes.u8(at)];
  if (!type || bytes.u8(at + 1) !== 3 || bytes.u8(at + 2) > 4) return undefined;
  return { name: 'TLS', info: `TLS ${type}`, fields: { type } };
}
