import { splitPrefix } from '../address/ip.js';
import { parseMac } from '../address/mac.js';
import {
  ETH_P_ARP,
  ETH_P_IP,
  ETH_P_IPV6,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from '../constants/index.js';
import { type AddressPrefix, checkAddressPrefix, isInPrefix } from '../fabric/address-prefix.js';
import { Headers } from '../fabric/headers.js';
import { UsageError } from './command.js';
import { portArgument } from './parse.js';

/* A subset of pcap-filter(7): docs/cli.md has its words. */

type Test = (headers: Headers, frame: Buffer) => boolean;

const PROTOCOLS: Readonly<Record<string, Test>> = {
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
const WITH_PORTS = [IPPROTO_TCP, IPPROTO_UDP];
const QUALIFIERS = ['src', 'dst', 'host', 'net', 'port'];
const WORDS = `${Object.keys(PROTOCOLS).join(', ')}, host, net, port, each with src or dst, ether host, and, or, not, ( )`;

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
        test = (headers, frame) => left(headers, frame) && right(headers, frame);
      } else if (this.#takes('or', '||')) {
        const right = this.#term();
        test = (headers, frame) => left(headers, frame) || right(headers, frame);
      } else {
        return test;
      }
    }
  }

  #term(): Test {
    if (this.#takes('not', '!')) {
      const test = this.#term();
      return (headers, frame) => !test(headers, frame);
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
    return (headers, frame) => protocol(headers, frame) && test(headers, frame);
  }

  /** Parses '[src|dst] host ADDRESS' and the like; '[src|dst] ADDRESS' is a host. */
  #qualified(layer?: 'ether'): Test {
    const end = this.#takes('src') ? 'source' : this.#takes('dst') ? 'destination' : 'either';
    const testOf = (from: Test, to: Test): Test => {
      if (end === 'source') return from;
      return end === 'destination' ? to : (headers, frame) => from(headers, frame) || to(headers, frame);
    };
    if (layer === 'ether') {
      if (!this.#takes('host')) throw new UsageError("the filter needs 'host' and a MAC address after 'ether'");
      const mac = parseMac(this.#next('a MAC address'));
      return testOf(
        (_, frame) => mac.equals(frame.subarray(6, 12)),
        (_, frame) => mac.equals(frame.subarray(0, 6)),
      );
    }
    if (this.#takes('port')) {
      const port = portArgument(this.#next('the number of a port'));
      const test = testOf(
        ({ fromPort }) => fromPort === port,
        ({ toPort }) => toPort === port,
      );
      return (headers, frame) => WITH_PORTS.includes(headers.protocol) && test(headers, frame);
    }
    const isNet = this.#takes('net');
    if (!isNet) this.#takes('host');
    const prefix = prefixArgument(this.#next(isNet ? 'a prefix' : 'an address'), isNet);
    return testOf(
      ({ fromAddress, addressLength }, frame) => isInPrefix(frame, fromAddress, addressLength, prefix),
      ({ toAddress, addressLength }, frame) => isInPrefix(frame, toAddress, addressLength, prefix),
    );
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
