import { isIPv4 } from 'node:net';
import { splitPrefix } from '../address/ip.js';
import { parseMac } from '../address/mac.js';
import {
  IPPROTO_AH,
  IPPROTO_ESP,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IGMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from '../constants/inet.js';
import { ETH_P_8021AD, ETH_P_8021Q, ETH_P_ARP, ETH_P_IP, ETH_P_IPV6 } from '../constants/packet.js';
import { type AddressPrefix, checkAddressPrefix, isInPrefix } from '../fabric/address-prefix.js';
import { Headers } from '../fabric/headers.js';
import { UsageError } from './command.js';
import { type FrameTest, isComparison, numberOf, parseComparison, type Words } from './frame-values.js';
import { portArgument } from './parse.js';

/* A subset of pcap-filter(7): docs/cli.md has its words. */

const PROTOCOLS: Readonly<Record<string, FrameTest>> = {
  arp: ({ etherType }) => etherType === ETH_P_ARP,
  ip: ({ etherType }) => etherType === ETH_P_IP,
  ip6: ({ etherType }) => etherType === ETH_P_IPV6,
  tcp: ({ protocol }) => protocol === IPPROTO_TCP,
  udp: ({ protocol }) => protocol === IPPROTO_UDP,
  icmp: ({ etherType, protocol }) => etherType === ETH_P_IP && protocol === IPPROTO_ICMP,
  icmp6: ({ etherType, protocol }) => etherType === ETH_P_IPV6 && protocol === IPPROTO_ICMPV6,
  broadcast: (_, frame) => BROADCAST.equals(frame.subarray(0, 6)),
  // the lowest bit of the first byte marks a group
  multicast: (_, frame) => (frame[0]! & 1) === 1,
};
const BROADCAST = Buffer.alloc(6, 0xff);
/** The numbers of protocols that have names behind 'proto'. */
const NUMBERS: Readonly<Record<string, number>> = {
  icmp: IPPROTO_ICMP,
  igmp: IPPROTO_IGMP,
  tcp: IPPROTO_TCP,
  udp: IPPROTO_UDP,
  gre: IPPROTO_GRE,
  esp: IPPROTO_ESP,
  ah: IPPROTO_AH,
  icmp6: IPPROTO_ICMPV6,
  sctp: IPPROTO_SCTP,
};
const ETHER_TYPES: Readonly<Record<string, number>> = { arp: ETH_P_ARP, ip: ETH_P_IP, ip6: ETH_P_IPV6 };
const TAGS = [ETH_P_8021Q, ETH_P_8021AD];
const VLAN_MAX = 0xfff;
const WITH_PORTS = [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP];
const QUALIFIERS = ['src', 'dst', 'host', 'net', 'port', 'portrange'];
const WORDS = `${Object.keys(PROTOCOLS).join(', ')}, host, net, port, portrange, each with src or dst, ether host, proto, vlan, less, greater, len, tcp[tcpflags] and the like, and, or, not, ( )`;

/**
 * Returns a function that tells whether a frame passes a filter; with an empty filter all do.
 * @throws {UsageError | TypeError} for a filter that it does not understand
 */
export function frameFilter(text: string): (frame: Buffer) => boolean {
  if (text.trim() === '') return () => true;
  const test = new Parser(text).parse();
  const headers = new Headers();
  return (frame) => {
    headers.parse(frame, frame.length);
    return test(headers, frame);
  };
}

/** Which ends of a frame an address or a port is for. */
type Ends = 'source' | 'destination' | 'either' | 'both';

class Parser implements Words {
  readonly #words: string[];
  /** The test of the last host, net or port, for another value: 'port 80 or 443'. */
  #again: ((word: string) => FrameTest) | undefined;

  constructor(text: string) {
    this.#words = text.match(/\w+\[[^\]]*\]|&&|\|\||[!=<>]=|[()!&|=<>[\]]|[^\s()!&|=<>[\]]+/g) ?? [];
  }

  parse(): FrameTest {
    const test = this.#expression();
    const [rest] = this.#words;
    if (rest === undefined) return test;
    const problem = rest === ')' ? "has a ')' too many" : `needs 'and' or 'or' before '${rest}'`;
    throw new UsageError(`the filter ${problem}`);
  }

  /** `and` and `or` have the same precedence, as in pcap-filter(7). */
  #expression(): FrameTest {
    let test = this.#term();
    for (;;) {
      const left = test;
      if (this.#takes('and', '&&')) {
        const right = this.#term();
        test = (headers, frame) => left(headers, frame) && right(headers, frame);
      } else if (this.#takes('or', '||')) {
        const right = this.#term();
        test = (headers, frame) => left(headers, frame) || right(headers, frame);
      } else {
        return test;
      }
    }
  }

  #term(): FrameTest {
    if (this.#takes('not', '!')) {
      const test = this.#term();
      return (headers, frame) => !test(headers, frame);
    }
    if (isComparison(this)) return parseComparison(this);
    if (!this.#takes('(')) return this.#primitive();
    const test = this.#expression();
    if (!this.#takes(')')) throw new UsageError("the filter lacks a ')'");
    return test;
  }

  #primitive(): FrameTest {
    if (QUALIFIERS.includes(this.peek())) return this.#qualified(() => true);
    if (this.#again && /^[\d.]+$|:/.test(this.peek())) return this.#again(this.take('a value'));
    const word = this.take(`one of ${WORDS}`);
    if (word === 'ether') return this.#ether();
    if (word === 'vlan') return this.#vlan();
    if (word === 'proto') return this.#protocol(({ family }) => family !== 0);
    if (word === 'less' || word === 'greater') {
      const limit = numberOf(this.take('a number of bytes'));
      return (_, { length }) => (word === 'less' ? length <= limit : length >= limit);
    }
    const protocol = Object.hasOwn(PROTOCOLS, word) ? PROTOCOLS[word] : undefined;
    if (!protocol) throw new UsageError(`the filter has '${word}': it takes ${WORDS}`);
    if (['ip', 'ip6'].includes(word) && this.#takes('proto')) return this.#protocol(protocol);
    // 'tcp port 80'
    return QUALIFIERS.includes(this.peek()) ? this.#qualified(protocol) : protocol;
  }

  /** Parses '[src|dst] host ADDRESS' and the like; '[src|dst] ADDRESS' is a host. */
  #qualified(protocol: FrameTest): FrameTest {
    const ends = this.#ends();
    const type = ['port', 'portrange', 'net'].find((each) => this.#takes(each)) ?? 'host';
    this.#takes('host');
    const testOf = { port: portTest, portrange: portRangeTest, net: netTest, host: hostTest }[type]!;
    this.#again = (word) => {
      const test = testOf(word, ends);
      return (headers, frame) => protocol(headers, frame) && test(headers, frame);
    };
    const value = this.take(
      { port: 'the number of a port', portrange: 'ports', net: 'a prefix', host: 'an address' }[type]!,
    );
    return this.#again(type === 'net' && this.#takes('mask') ? `${value}/${maskLength(this.take('a mask'))}` : value);
  }

  /** Parses 'src', 'dst', 'src or dst', 'src and dst', or nothing. */
  #ends(): Ends {
    for (const [one, other] of [['src', 'dst'] as const, ['dst', 'src'] as const]) {
      if (!this.#takes(one)) continue;
      if (this.peek(1) !== other) return one === 'src' ? 'source' : 'destination';
      const isBoth = this.#takes('and', '&&');
      if (!isBoth && !this.#takes('or', '||')) throw new UsageError(`the filter needs 'or' before '${this.peek()}'`);
      this.#takes(other);
      return isBoth ? 'both' : 'either';
    }
    return 'either';
  }

  #ether(): FrameTest {
    for (const group of ['broadcast', 'multicast']) if (this.#takes(group)) return PROTOCOLS[group]!;
    if (this.#takes('proto')) {
      const type = this.#numbered(ETHER_TYPES, 0xffff);
      return ({ etherType }) => etherType === type;
    }
    const isBare = !['src', 'dst'].includes(this.peek());
    const ends = this.#ends();
    if (!this.#takes('host') && isBare) throw new UsageError("the filter needs 'host' and a MAC address after 'ether'");
    const mac = parseMac(this.take('a MAC address'));
    return testAt(
      ends,
      (_, frame) => mac.equals(frame.subarray(6, 12)),
      (_, frame) => mac.equals(frame.subarray(0, 6)),
    );
  }

  #vlan(): FrameTest {
    const id = /^(\d|0x)/.test(this.peek()) ? numberOf(this.take('the number of a VLAN'), VLAN_MAX) : undefined;
    return (_, frame) =>
      frame.length >= 16 &&
      TAGS.includes(frame.readUInt16BE(12)) &&
      (id === undefined || (frame.readUInt16BE(14) & VLAN_MAX) === id);
  }

  #protocol(family: FrameTest): FrameTest {
    const number = this.#numbered(NUMBERS, 0xff);
    return (headers, frame) => headers.protocol === number && family(headers, frame);
  }

  /** Takes a number, or a name of one. A backslash, which tcpdump wants before names that are words too, may be there. */
  #numbered(names: Readonly<Record<string, number>>, max: number): number {
    const word = this.take('the number of a protocol').replace(/^\\/, '');
    return Object.hasOwn(names, word) ? names[word]! : numberOf(word, max);
  }

  peek(at = 0): string {
    return this.#words[at] ?? '';
  }

  take(expected: string): string {
    const word = this.#words.shift();
    if (word === undefined) throw new UsageError(`the filter ends where it needs ${expected}`);
    return word;
  }

  #takes(...words: string[]): boolean {
    if (!words.includes(this.peek())) return false;
    this.#words.shift();
    return true;
  }
}

function testAt(ends: Ends, from: FrameTest, to: FrameTest): FrameTest {
  if (ends === 'source') return from;
  if (ends === 'destination') return to;
  if (ends === 'both') return (headers, frame) => from(headers, frame) && to(headers, frame);
  return (headers, frame) => from(headers, frame) || to(headers, frame);
}

function portTest(word: string, ends: Ends): FrameTest {
  const port = portArgument(word);
  return portsTest(ends, port, port);
}

function portRangeTest(word: string, ends: Ends): FrameTest {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(word) ?? [];
  if (first === undefined || last === undefined) {
    throw new UsageError(`the filter needs ports such as '8000-8010' after 'portrange', not '${word}'`);
  }
  return portsTest(ends, portArgument(first), portArgument(last));
}

function portsTest(ends: Ends, first: number, last: number): FrameTest {
  const [low, high] = [Math.min(first, last), Math.max(first, last)];
  const test = testAt(
    ends,
    ({ fromPort }) => fromPort >= low && fromPort <= high,
    ({ toPort }) => toPort >= low && toPort <= high,
  );
  return (headers, frame) => WITH_PORTS.includes(headers.protocol) && test(headers, frame);
}

function hostTest(word: string, ends: Ends): FrameTest {
  return addressTest(prefixArgument(word, false), ends);
}

function netTest(word: string, ends: Ends): FrameTest {
  // 'net 10.1' is 10.1.0.0/16
  const parts = /^\d+(\.\d+){0,2}$/.test(word) ? word.split('.') : undefined;
  const text = parts ? `${[...parts, '0', '0', '0'].slice(0, 4).join('.')}/${8 * parts.length}` : word;
  return addressTest(prefixArgument(text, true), ends);
}

function addressTest(prefix: AddressPrefix, ends: Ends): FrameTest {
  return testAt(
    ends,
    ({ fromAddress, addressLength }, frame) => isInPrefix(frame, fromAddress, addressLength, prefix),
    ({ toAddress, addressLength }, frame) => isInPrefix(frame, toAddress, addressLength, prefix),
  );
}

/** Returns the length of the prefix that a mask is: 24 for '255.255.255.0'. */
function maskLength(mask: string): number {
  const bits = mask.split('.').map((byte) => Number(byte).toString(2).padStart(8, '0'));
  const ones = bits.join('').indexOf('0');
  const length = ones < 0 ? 32 : ones;
  if (isIPv4(mask) && !bits.join('').slice(length).includes('1')) return length;
  throw new UsageError(`the filter needs a mask such as '255.255.255.0', not '${mask}'`);
}

function prefixArgument(text: string, isNet: boolean): AddressPrefix {
  const isPrefix = splitPrefix(text)[1] !== undefined;
  try {
    if (isPrefix === isNet) return checkAddressPrefix('the filter', text);
  } catch {
    // the words of the filter say more
  }
  const expected = isNet ? "a prefix such as '10.0.0.0/24' after 'net'" : "an IP address such as '10.0.0.1'";
  throw new UsageError(`the filter needs ${expected}, not '${text}'`);
}
