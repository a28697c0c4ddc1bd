import { applicationOf } from './application.js';
import { addressText, Bytes, macText } from './bytes.js';

/** The kinds of frames, which have a colour each. */
export type Kind = 'tcp' | 'udp' | 'dns' | 'http' | 'icmp' | 'arp' | 'other';

/** A layer of a frame: its fields, and its place in the bytes. */
export interface Layer {
  readonly name: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly from: number;
  readonly to: number;
}

/** A segment of TCP. */
export interface Segment {
  readonly flags: string;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly window: number;
  /** The number of bytes of data. */
  readonly length: number;
}

/** What a frame says. Text of the wire in it is as it came: what shows it must escape it. */
export interface Decoded {
  readonly kind: Kind;
  /** 'TCP', 'ICMPv6', 'ARP' */
  readonly protocol: string;
  readonly fromMac: string;
  readonly toMac: string;
  /** Addresses of IP or ARP; '' if it has none. */
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly segment: Segment | undefined;
  /** What it is about, on one line. */
  readonly info: string;
  readonly layers: readonly Layer[];
}

type Draft = { -readonly [K in keyof Decoded]: Decoded[K] } & { layers: Layer[] };

const IPV4 = 0x0800;
const ARP = 0x0806;
const VLAN = 0x8100;
const IPV6 = 0x86dd;
const [ICMP, TCP, UDP, ICMPV6] = [1, 6, 17, 58];
/** The extension headers of IPv6 with a length: hop-by-hop, routing, fragment, destination. */
const EXTENSIONS = [0, 43, 44, 60];
const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];
const ICMP_TYPES: Readonly<Record<number, string>> = {
  0: 'echo reply',
  3: 'destination unreachable',
  4: 'source quench',
  5: 'redirect',
  8: 'echo request',
  11: 'time exceeded',
  12: 'parameter problem',
};
const ICMPV6_TYPES: Readonly<Record<number, string>> = {
  1: 'destination unreachable',
  2: 'packet too big',
  3: 'time exceeded',
  4: 'parameter problem',
  128: 'echo request',
  129: 'echo reply',
  130: 'multicast listener query',
  131: 'multicast listener report',
  133: 'router solicitation',
  134: 'router advertisement',
  135: 'neighbor solicitation',
  136: 'neighbor advertisement',
  143: 'multicast listener report',
};

/** Reads a frame. Any bytes will do. */
export function decode(all: Uint8Array): Decoded {
  const bytes = new Bytes(all);
  const draft: Draft = {
    kind: 'other',
    protocol: 'Ethernet',
    fromMac: macText(bytes, 6),
    toMac: macText(bytes, 0),
    from: '',
    to: '',
    fromPort: -1,
    toPort: -1,
    segment: undefined,
    info: '',
    layers: [],
  };
  let [at, type] = [14, bytes.u16(12)];
  while (type === VLAN || type === 0x88a8) {
    type = bytes.u16(at + 2);
    at += 4;
  }
  add(draft, 'Ethernet', 0, at, {
    from: draft.fromMac,
    to: draft.toMac,
    type: `0x${type.toString(16).padStart(4, '0')}`,
  });
  draft.info = `type 0x${type.toString(16)}`;
  if (type === IPV4) ipv4(draft, bytes, at);
  else if (type === IPV6) ipv6(draft, bytes, at);
  else if (type === ARP) arp(draft, bytes, at);
  return draft;
}

function add(
  draft: Draft,
  name: string,
  from: number,
  to: number,
  fields: Readonly<Record<string, string | number>>,
): void {
  draft.layers.push({ name, from, to, fields: Object.entries(fields).map(([key, value]) => [key, String(value)]) });
}

function arp(draft: Draft, bytes: Bytes, at: number): void {
  const [asker, asked] = [addressText(bytes, at + 14, 4), addressText(bytes, at + 24, 4)];
  const isRequest = bytes.u16(at + 6) === 1;
  Object.assign(draft, { kind: 'arp', protocol: 'ARP', from: asker, to: asked });
  draft.info = isRequest ? `who has ${asked}? tell ${asker}` : `${asker} is at ${macText(bytes, at + 8)}`;
  add(draft, 'ARP', at, at + 28, {
    operation: isRequest ? 'request' : 'reply',
    sender: `${macText(bytes, at + 8)} ${asker}`,
    target: `${macText(bytes, at + 18)} ${asked}`,
  });
}

function ipv4(draft: Draft, bytes: Bytes, at: number): void {
  const header = (bytes.u8(at) & 15) * 4;
  const [protocol, fragment, length] = [bytes.u8(at + 9), bytes.u16(at + 6), bytes.u16(at + 2)];
  draft.from = addressText(bytes, at + 12, 4);
  draft.to = addressText(bytes, at + 16, 4);
  add(draft, 'IPv4', at, at + header, {
    from: draft.from,
    to: draft.to,
    'time to live': bytes.u8(at + 8),
    identification: bytes.u16(at + 4),
    flags: [fragment & 0x4000 ? "don't fragment" : '', fragment & 0x2000 ? 'more fragments' : '']
      .filter(Boolean)
      .join(', '),
    length,
    protocol,
  });
  draft.protocol = 'IPv4';
  const offset = (fragment & 0x1fff) * 8;
  if (offset > 0) draft.info = `fragment at ${offset}`;
  else transport(draft, bytes, protocol, at + header, Math.max(0, length - header));
}

function ipv6(draft: Draft, bytes: Bytes, at: number): void {
  draft.from = addressText(bytes, at + 8, 16);
  draft.to = addressText(bytes, at + 24, 16);
  draft.protocol = 'IPv6';
  let [next, start] = [bytes.u8(at + 6), at + 40];
  const end = start + bytes.u16(at + 4);
  add(draft, 'IPv6', at, start, {
    from: draft.from,
    to: draft.to,
    'hop limit': bytes.u8(at + 7),
    length: bytes.u16(at + 4),
    'next header': next,
  });
  while (EXTENSIONS.includes(next) && start < bytes.length) {
    const length = next === 44 ? 8 : (bytes.u8(start + 1) + 1) * 8;
    if (next === 44 && (bytes.u16(start + 2) & 0xfff8) > 0) {
      draft.info = `fragment at ${bytes.u16(start + 2) & 0xfff8}`;
      return;
    }
    next = bytes.u8(start);
    start += length;
  }
  transport(draft, bytes, next, start, Math.max(0, end - start));
}

function transport(draft: Draft, bytes: Bytes, protocol: number, at: number, length: number): void {
  if (protocol === TCP) tcp(draft, bytes, at, length);
  else if (protocol === UDP) udp(draft, bytes, at, length);
  else if (protocol === ICMP || protocol === ICMPV6) icmp(draft, bytes, at, protocol === ICMPV6);
  else draft.info = `protocol ${protocol}`;
}

function tcp(draft: Draft, bytes: Bytes, at: number, length: number): void {
  const header = (bytes.u8(at + 12) >> 4) * 4;
  const flags = FLAGS.filter((_, bit) => bytes.u8(at + 13) & (1 << bit)).join(' ');
  const segment: Segment = {
    flags,
    sequence: bytes.u32(at + 4),
    acknowledgment: bytes.u32(at + 8),
    window: bytes.u16(at + 14),
    length: Math.max(0, length - header),
  };
  Object.assign(draft, { kind: 'tcp', protocol: 'TCP', fromPort: bytes.u16(at), toPort: bytes.u16(at + 2), segment });
  draft.info = `${draft.fromPort} → ${draft.toPort} ${flags}${segment.length > 0 ? `, ${segment.length} bytes` : ''}`;
  add(draft, 'TCP', at, at + header, {
    'from port': draft.fromPort,
    'to port': draft.toPort,
    flags,
    sequence: segment.sequence,
    acknowledgment: segment.acknowledgment,
    window: segment.window,
    data: `${segment.length} bytes`,
  });
  if (segment.length > 0) application(draft, bytes, at + header);
}

function udp(draft: Draft, bytes: Bytes, at: number, length: number): void {
  Object.assign(draft, { kind: 'udp', protocol: 'UDP', fromPort: bytes.u16(at), toPort: bytes.u16(at + 2) });
  const data = Math.max(0, length - 8);
  draft.info = `${draft.fromPort} → ${draft.toPort}, ${data} bytes`;
  add(draft, 'UDP', at, at + 8, { 'from port': draft.fromPort, 'to port': draft.toPort, data: `${data} bytes` });
  if (data > 0) application(draft, bytes, at + 8);
}

function application(draft: Draft, bytes: Bytes, at: number): void {
  const found = applicationOf(draft, bytes, at);
  if (!found) return;
  draft.kind = found.kind ?? draft.kind;
  draft.protocol = found.name;
  draft.info = found.info;
  add(draft, found.name, at, bytes.length, found.fields);
}

function icmp(draft: Draft, bytes: Bytes, at: number, isV6: boolean): void {
  const [type, code] = [bytes.u8(at), bytes.u8(at + 1)];
  const name = (isV6 ? ICMPV6_TYPES : ICMP_TYPES)[type] ?? `type ${type}`;
  const isEcho = name.startsWith('echo');
  Object.assign(draft, { kind: 'icmp', protocol: isV6 ? 'ICMPv6' : 'ICMP' });
  draft.info = isEcho ? `${name}, number ${bytes.u16(at + 6)}` : name;
  if (/neighbor/.test(name)) draft.info = `${name} of ${addressText(bytes, at + 8, 16)}`;
  const echo: Record<string, number> = isEcho ? { identifier: bytes.u16(at + 4), number: bytes.u16(at + 6) } : {};
  add(draft, draft.protocol, at, bytes.length, { type: `${type}, ${name}`, code, ...echo });
}
