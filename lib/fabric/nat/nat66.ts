import { ipText } from '../../address/ip.js';
import type { Verdict } from '../gate.js';
import { Headers, isIcmpError } from '../headers.js';
import { type PrefixPair, PrefixTranslation } from './prefix-translation.js';

const ADDRESS = 16;
const NONE = 'no address of the other prefix';

/** Replaces the prefix of IPv6 addresses in the packets between a router and its networks: RFC 6296. */
export class Nat66 {
  note: string | undefined;
  readonly #prefixes: PrefixTranslation;
  readonly #headers = new Headers();
  readonly #quoted = new Headers();

  constructor(prefixes: PrefixPair) {
    this.#prefixes = new PrefixTranslation(prefixes);
  }

  /** Decides about a frame from the router to outside. */
  toOutside(frame: Buffer, length: number): Verdict {
    if (!this.#read(frame, length)) return 'pass';
    const { fromAddress } = this.#headers;
    if (this.#prefixes.isInside(frame, fromAddress) && !this.#replace(frame, fromAddress, 'out'))
      return this.#drop(NONE);
    this.#replaceQuoted(frame, 'toAddress', 'out');
    return 'pass';
  }

  /** Decides about a frame from outside to the router. */
  toInside(frame: Buffer, length: number): Verdict {
    if (!this.#read(frame, length)) return 'pass';
    const { toAddress } = this.#headers;
    if (this.#prefixes.isInside(frame, toAddress)) return this.#drop(`${textOf(frame, toAddress)} is not outside`);
    if (!this.#prefixes.isOutside(frame, toAddress)) return 'pass';
    if (!this.#replace(frame, toAddress, 'in')) return this.#drop(NONE);
    this.#replaceQuoted(frame, 'fromAddress', 'in');
    return 'pass';
  }

  /** Decides about a frame from inside to the router: one to a prefix outside makes a turn in it. RFC 6296, 4.3. */
  turn(frame: Buffer, length: number, isAllowed: boolean): Verdict {
    if (!this.#read(frame, length)) return 'pass';
    const { fromAddress, toAddress } = this.#headers;
    if (!this.#prefixes.isOutside(frame, toAddress)) return 'pass';
    if (!isAllowed) return this.#drop('no hairpin');
    const isInside = this.#prefixes.isInside(frame, fromAddress);
    if (isInside && !this.#replace(frame, fromAddress, 'out')) return this.#drop(NONE);
    if (!this.#replace(frame, toAddress, 'in')) return this.#drop(NONE);
    this.#replaceQuoted(frame, 'fromAddress', 'in');
    this.#replaceQuoted(frame, 'toAddress', 'out');
    this.note = 'nat66: hairpin';
    return 'pass';
  }

  /** Reads a packet between hosts. */
  #read(frame: Buffer, length: number): boolean {
    this.note = undefined;
    if (length === 0 || frame[0]! & 1) return false;
    this.#headers.parse(frame, length);
    return this.#headers.family === 6;
  }

  /** Replaces an address; checksums over it stay right. */
  #replace(frame: Buffer, at: number, way: 'out' | 'in'): boolean {
    const before = textOf(frame, at);
    if (!(way === 'out' ? this.#prefixes.toOutside(frame, at) : this.#prefixes.toInside(frame, at))) return false;
    this.note = `nat66: ${before} → ${textOf(frame, at)}`;
    return true;
  }

  /** Replaces an address of the packet that an ICMP error quotes. */
  #replaceQuoted(frame: Buffer, which: 'fromAddress' | 'toAddress', way: 'out' | 'in'): void {
    if (!isIcmpError(this.#headers.protocol, this.#headers.icmpType)) return;
    this.#quoted.parseQuoted(frame, this.#headers);
    if (this.#quoted.family !== 6) return;
    const at = this.#quoted[which];
    if (way === 'out' && this.#prefixes.isInside(frame, at)) this.#prefixes.toOutside(frame, at);
    if (way === 'in' && this.#prefixes.isOutside(frame, at)) this.#prefixes.toInside(frame, at);
  }

  #drop(reason: string): Verdict {
    this.note = `dropped: nat66: ${reason}`;
    return 'drop';
  }
}

function textOf(frame: Buffer, at: number): string {
  return ipText(frame.subarray(at, at + ADDRESS));
}
