import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from '../constants/inet.js';
import { ETH_P_ARP, ETH_P_IP, ETH_P_IPV6 } from '../constants/packet.js';
import type { Headers } from '../fabric/headers.js';
import { UsageError } from './command.js';

/** A test of a filter. */
export type FrameTest = (headers: Headers, frame: Buffer) => boolean;
/** A number that a frame has; NaN if it has none, which compares with nothing. */
type FrameValue = (headers: Headers, frame: Buffer) => number;
type Comparison = (left: number, right: number) => boolean;

/** The words of a filter that are left. */
export interface Words {
  /** Returns the word at a place from here, '' behind the last one. */
  peek(at?: number): string;
  take(expected: string): string;
}

/** Where the header of each protocol begins; -1 if a frame has none. Later fragments have no header behind that of IP. */
const HEADERS: Readonly<Record<string, (headers: Headers) => number>> = {
  ether: () => 0,
  arp: ({ etherType, network }) => (etherType === ETH_P_ARP ? network : -1),
  ip: ({ etherType, network }) => (etherType === ETH_P_IP ? network : -1),
  ip6: ({ etherType, network }) => (etherType === ETH_P_IPV6 ? network : -1),
  tcp: ({ protocol, transport }) => (protocol === IPPROTO_TCP ? transport : -1),
  udp: ({ protocol, transport }) => (protocol === IPPROTO_UDP ? transport : -1),
  icmp: ({ family, protocol, transport }) => (family === 4 && protocol === IPPROTO_ICMP ? transport : -1),
  icmp6: ({ family, protocol, transport }) => (family === 6 && protocol === IPPROTO_ICMPV6 ? transport : -1),
};

/** The numbers that have names in pcap-filter(7). */
const NAMED: Readonly<Record<string, number>> = {
  tcpflags: 13,
  'tcp-fin': 1,
  'tcp-syn': 2,
  'tcp-rst': 4,
  'tcp-push': 8,
  'tcp-ack': 16,
  'tcp-urg': 32,
  'tcp-ece': 64,
  'tcp-cwr': 128,
  icmptype: 0,
  icmpcode: 1,
  'icmp-echoreply': 0,
  'icmp-unreach': 3,
  'icmp-redirect': 5,
  'icmp-echo': 8,
  'icmp-timxceed': 11,
  'icmp-paramprob': 12,
  icmp6type: 0,
  icmp6code: 1,
  'icmp6-destinationunreach': 1,
  'icmp6-packettoobig': 2,
  'icmp6-timeexceeded': 3,
  'icmp6-parameterproblem': 4,
  'icmp6-echo': 128,
  'icmp6-echoreply': 129,
  'icmp6-routersolicit': 133,
  'icmp6-routeradvert': 134,
  'icmp6-neighborsolicit': 135,
  'icmp6-neighboradvert': 136,
};

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  '=': (left, right) => left === right,
  '==': (left, right) => left === right,
  '!=': (left, right) => left < right || left > right,
  '<': (left, right) => left < right,
  '>': (left, right) => left > right,
  '<=': (left, right) => left <= right,
  '>=': (left, right) => left >= right,
};

const BYTES = /^(\w+)\[ *([\w-]+) *(?:: *([124]) *)?\]$/;

/** Returns whether a comparison of numbers begins here: 'tcp[13] & 2 != 0', 'len > 100', '(tcp[13] & 2) != 0'. */
export function isComparison(words: Words): boolean {
  if (isValue(words.peek())) return true;
  let at = 0;
  while (words.peek(at) === '(') at++;
  if (at === 0 || !isValue(words.peek(at))) return false;
  for (let open = at; open > 0; at++) {
    if (words.peek(at) === '') return false;
    if (words.peek(at) === '(') open++;
    if (words.peek(at) === ')') open--;
  }
  return !/^(|\)|and|or|&&|\|\|)$/.test(words.peek(at));
}

function isValue(word: string): boolean {
  return word === 'len' || word.includes('[');
}

/** Parses a comparison of numbers. @throws {UsageError} */
export function parseComparison(words: Words): FrameTest {
  const left = parseSum(words);
  const operator = words.take("a comparison such as '!= 0'");
  const compare = Object.hasOwn(COMPARISONS, operator) ? COMPARISONS[operator] : undefined;
  if (!compare)
    throw new UsageError(`the filter needs one of ${Object.keys(COMPARISONS).join(' ')}, not '${operator}'`);
  const right = parseSum(words);
  return (headers, frame) => compare(left(headers, frame), right(headers, frame));
}

/** `|` binds less than `&`, and both bind more than a comparison, unlike in C. */
function parseSum(words: Words): FrameValue {
  let value = parseProduct(words);
  while (words.peek() === '|') {
    words.take('|');
    const [left, right] = [value, parseProduct(words)];
    value = (headers, frame) => bitwise(left(headers, frame), right(headers, frame), (a, b) => a | b);
  }
  return value;
}

/** What a frame does not have stays NaN. */
function bitwise(left: number, right: number, combine: (left: number, right: number) => number): number {
  return Number.isNaN(left + right) ? Number.NaN : combine(left, right) >>> 0;
}

function parseProduct(words: Words): FrameValue {
  let value = parseValue(words);
  while (words.peek() === '&') {
    words.take('&');
    const [left, right] = [value, parseValue(words)];
    value = (headers, frame) => bitwise(left(headers, frame), right(headers, frame), (a, b) => a & b);
  }
  return value;
}

function parseValue(words: Words): FrameValue {
  const word = words.take('a number');
  if (word === '(') {
    const value = parseSum(words);
    const end = words.take("a ')'");
    if (end !== ')') throw new UsageError(`the filter needs a ')' before '${end}'`);
    return value;
  }
  if (word === 'len') return (_, frame) => frame.length;
  if (word.includes('[')) return bytesOf(word);
  const number = numberOf(word);
  return () => number;
}

/** Returns the number at a place of a header: 'ip[6:2]', 'tcp[tcpflags]'. */
function bytesOf(word: string): FrameValue {
  const [, name = '', offset = '', size = '1'] = BYTES.exec(word) ?? [];
  const header = Object.hasOwn(HEADERS, name) ? HEADERS[name] : undefined;
  if (!header) {
    const known = Object.keys(HEADERS).join(', ');
    throw new UsageError(`the filter needs bytes such as 'tcp[13]' or 'ip[6:2]', of ${known}, not '${word}'`);
  }
  const [from, length] = [numberOf(offset), Number(size)];
  return (headers, frame) => {
    const start = header(headers);
    const at = start + from;
    return start < 0 || at + length > frame.length ? Number.NaN : frame.readUIntBE(at, length);
  };
}

/** Reads a number, decimal or hexadecimal, or the name of one. @throws {UsageError} */
export function numberOf(word: string, max = 0xffff_ffff): number {
  if (Object.hasOwn(NAMED, word)) return NAMED[word]!;
  const isNumber = /^(\d{1,10}|0x[\da-f]{1,8})$/i.test(word);
  if (isNumber && Number(word) <= max) return Number(word);
  throw new UsageError(`the filter needs a number${isNumber ? ` of at most ${max}` : ''}, not '${word}'`);
}
