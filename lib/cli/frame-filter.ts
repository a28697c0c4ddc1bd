import { familyOf, ipBytes, netmaskOf, splitPrefix } from '../address/ip.js';
import { parseMac } from '../address/mac.js';
import {
  ETH_P_8021Q,
  ETH_P_ARP,
  ETH_P_IP,
  ETH_P_IPV6,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from '../constants/index.js';
import { UsageError } from './command.js';
import { portArgument } from './parse.js';

/* A subset of pcap-filter(7): docs/cli.md has its words. */

type Ends<T> = readonly [source: T, destination: T];

/** What a filter can ask of a frame. A frame that is cut short has the fields before the cut. */
interface Fields {
  macs: Ends<Uint8Array>;
  /** The type of Ethernet, behind VLAN tags. */
  type?: number;
  /** The protocol of IP. */
  protocol?: number;
  /** The addresses of IP or ARP. */
  addresses?: Ends<Uint8Array>;
  /** The ports of TCP or UDP. A fragment but the first has none. */
  ports?: Ends<number>;
}

type Test = (fields: Fields) => boolean;

/** Extension headers of IPv6 (RFC 8200, 4): hop-by-hop, routing, destination options. */
const EXTENSIONS = new Set([0, 43, 60]);
const FRAGMENT = 44;

const PROTOCOLS: Readonly<Record<string, Test>> = {
  arp: ({ type }) => type === ETH_P_ARP,
  ip: ({ type }) => type === ETH_P_IP,
  ip6: ({ type }) => type === ETH_P_IPV6,
  tcp: ({ protocol }) => protocol === IPPROTO_TCP,
  udp: ({ protocol }) => protocol === IPPROTO_UDP,
  icmp: ({ type, protocol }) => type === ETH_P_IP && protocol === IPPROTO_ICMP,
  icmp6: ({ type, protocol }) => type === ETH_P_IPV6 && protocol === IPPROTO_ICMPV6,
  broadcast: ({ macs: [, to] }) => to.length === 6 && to.every((byte) => byte === 0xff),
  // the lowest bit of the first byte marks a group
  multicast: ({ macs: [, to] }) => (to[0]! & 1) === 1,
};
const QUALIFIERS = ['src', 'dst', 'host', 'net', 'port'];
const WORDS = `${Object.keys(PROTOCOLS).join(', ')}, host, net, port, each with src or dst, ether host, and, or, not, ( )`;

/**
 * Returns a function that tells whether a frame passes a filter; with an empty filter all do.
 * @throws {UsageError | TypeError} for a filter that it does not understand
 */
export function frameFilter(text: string): (frame: Buffer) => boolean {
  if (text.trim() === '') return () => true;
  const test = new Parser(text).parse();
  return (frame) => test(fieldsOf(frame));
}

class Parser {
  readonly #words: string[];

  constructor(text: string) {
    this.#words = text.match(/[()!]|[^\s()!]+/g) ?? [];
  }

  parse(): Test {
    const test = this.#expression();
    const [rest] = this.#words;
    if (rest === undefined) return test;
    const problem = rest === ')' ? "has a ')' too many" : `needs 'and' or 'or' before '${rest}'`;
    throw new UsageError(`the filter ${problem}`);
  }

  /** `and` and `or` have the same precedence, as in pcap-filter(7). */
  #expression(): Test {
    let test = this.#term();
    for (;;) {
      const left = test;
      if (this.#takes('and', '&&')) {
        const right = this.#term();
        test = (fields) => left(fields) && right(fields);
      } else if (this.#takes('or', '||')) {
        const right = this.#term();
        test = (fields) => left(fields) || right(fields);
      } else {
        return test;
      }
    }
  }

  #term(): Test {
    if (this.#takes('not', '!')) {
      const test = this.#term();
      return (fields) => !test(fields);
    }
    if (!this.#takes('(')) return this.#primitive();
    const test = this.#expression();
    if (!this.#takes(')')) throw new UsageError("the filter lacks a ')'");
    return test;
  }

  #primitive(): Test {
    const [first = ''] = this.#words;
    if (this.#takes('ether')) return this.#qualified('ether');
    if (QUALIFIERS.includes(first)) return this.#qualified();
    const word = this.#next(`one of ${WORDS}`);
    const protocol = Object.hasOwn(PROTOCOLS, word) ? PROTOCOLS[word] : undefined;
    if (!protocol) throw new UsageError(`the filter has '${word}': it takes ${WORDS}`);
    // 'tcp port 80'
    if (!QUALIFIERS.includes(this.#words[0] ?? '')) return protocol;
    const test = this.#qualified();
    return (fields) => protocol(fields) && test(fields);
  }

  /** Parses '[src|dst] host ADDRESS' and the like; '[src|dst] ADDRESS' is a host. */
  #qualified(layer?: 'ether'): Test {
    const ends = this.#takes('src') ? [0] : this.#takes('dst') ? [1] : [0, 1];
    const oneOf = <T>(values: Ends<T> | undefined, isMeant: (value: T) => boolean) =>
      values !== undefined && ends.some((end) => isMeant(values[end] as T));
    if (layer === 'ether') {
      if (!this.#takes('host')) throw new UsageError("the filter needs 'host' and a MAC address after 'ether'");
      const mac = parseMac(this.#next('a MAC address'));
      return ({ macs }) => oneOf(macs, (each) => mac.equals(each));
    }
    if (this.#takes('port')) {
      const port = portArgument(this.#next('the number of a port'));
      return ({ ports }) => oneOf(ports, (each) => each === port);
    }
    const isNet = this.#takes('net');
    if (!isNet) this.#takes('host');
    const isIn = prefixArgument(this.#next(isNet ? 'a prefix' : 'an address'), isNet);
    return ({ addresses }) => oneOf(addresses, isIn);
  }

  #next(expected: string): string {
    const word = this.#words.shift();
    if (word === undefined) throw new UsageError(`the filter ends where it needs ${expected}`);
    return word;
  }

  #takes(...words: string[]): boolean {
    if (!words.includes(this.#words[0] ?? '')) return false;
    this.#words.shift();
    return true;
  }
}

/** Returns a function that tells whether an address is in the prefix, or is the address. */
function prefixArgument(text: string, isNet: boolean): (address: Uint8Array) => boolean {
  const [address, length] = splitPrefix(text);
  const size = familyOf(address) === 0 || address.includes('%') ? 0 : ipBytes(address).length;
  const prefixlen = length ?? size * 8;
  if (size === 0 || isNet !== (length !== undefined) || !(prefixlen <= size * 8)) {
    const expected = isNet ? "a prefix such as '10.0.0.0/24' after 'net'" : "an IP address such as '10.0.0.1'";
    throw new UsageError(`the filter needs ${expected}, not '${text}'`);
  }
  const [bytes, mask] = [ipBytes(address), netmaskOf(size, prefixlen)];
  return (other) => other.length === size && mask.every((bits, i) => ((bytes[i]! ^ other[i]!) & bits) === 0);
}

function fieldsOf(frame: Buffer): Fields {
  const fields: Fields = { macs: [frame.subarray(6, 12), frame.subarray(0, 6)] };
  try {
    readType(fields, frame);
  } catch {
    // a read beyond the end
  }
  return fields;
}

function readType(fields: Fields, frame: Buffer): void {
  let at = 12;
  while (frame.readUInt16BE(at) === ETH_P_8021Q) at += 4;
  const data = frame.subarray(at + 2);
  fields.type = frame.readUInt16BE(at);
  if (fields.type === ETH_P_ARP) readArp(fields, data);
  else if (fields.type === ETH_P_IP) readIpv4(fields, data);
  else if (fields.type === ETH_P_IPV6) readIpv6(fields, data);
}

/** Reads ARP of IPv4 over Ethernet: RFC 826. */
function readArp(fields: Fields, data: Buffer): void {
  if (data.readUInt16BE(2) !== ETH_P_IP || data.readUInt16BE(4) !== 0x0604) return;
  fields.addresses = [bytesAt(data, 14, 4), bytesAt(data, 24, 4)];
}

function readIpv4(fields: Fields, data: Buffer): void {
  fields.protocol = data.readUInt8(9);
  fields.addresses = [bytesAt(data, 12, 4), bytesAt(data, 16, 4)];
  const isFirst = (data.readUInt16BE(6) & 0x1fff) === 0;
  if (isFirst) readPorts(fields, data.subarray((data.readUInt8(0) & 15) * 4));
}

function readIpv6(fields: Fields, data: Buffer): void {
  fields.addresses = [bytesAt(data, 8, 16), bytesAt(data, 24, 16)];
  let next = data.readUInt8(6);
  let payload = data.subarray(40);
  let isFirst = true;
  while (EXTENSIONS.has(next) || next === FRAGMENT) {
    const size = next === FRAGMENT ? 8 : (payload.readUInt8(1) + 1) * 8;
    if (next === FRAGMENT) isFirst = (payload.readUInt16BE(2) & 0xfff8) === 0;
    next = payload.readUInt8(0);
    payload = payload.subarray(size);
    // the headers of a later fragment are in the first one
    if (!isFirst) break;
  }
  fields.protocol = next;
  if (isFirst) readPorts(fields, payload);
}

function readPorts(fields: Fields, segment: Buffer): void {
  if (fields.protocol !== IPPROTO_TCP && fields.protocol !== IPPROTO_UDP) return;
  fields.ports = [segment.readUInt16BE(0), segment.readUInt16BE(2)];
}

/** @throws {RangeError} for bytes beyond the end */
function bytesAt(data: Buffer, at: number, size: number): Uint8Array {
  data.readUInt8(at + size - 1);
  return data.subarray(at, at + size);
}
