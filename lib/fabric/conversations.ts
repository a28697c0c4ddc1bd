import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from '../constants/inet.js';
import { ETH_P_8021Q, ETH_P_ARP, ETH_P_IP, ETH_P_IPV6 } from '../constants/packet.js';

/** Linux chooses ports from here on by chance (ip_local_port_range of ip(7)): another run has others. */
const FIRST_CHOSEN_PORT = 32768;
/** The most conversations that are known at once. Then all start anew, so that memory has a bound. */
const MOST = 16_384;

const IPV4_FRAGMENT = 0x3fff;
const ECHO_TYPES: Readonly<Record<number, readonly number[]>> = {
  [IPPROTO_ICMP]: [8, 0],
  [IPPROTO_ICMPV6]: [128, 129],
};

/** The frames of one conversation in one direction: what faults remember between them. */
export class Conversation {
  /** The number of its next frame. */
  frames = 0;
  /** True while the model of bursts loses frames. */
  isBadTime = false;
  /** The number of frames that were delayed since one went at once. */
  delayed = 0;

  /** @param number counts the conversations of this kind */
  constructor(
    readonly kind: number,
    readonly number: number,
  ) {}
}

/**
 * The conversations of one direction. The frames that the kernel sends by itself, at irregular times, are thus counted apart from
 * those of a program. A conversation has a kind (addresses, protocol, ports of services) and a number: the n-th of its kind
 * between ports or ICMP identifiers that were chosen by chance.
 */
export class Conversations {
  readonly #known = new Map<number, Map<number, Conversation>>();
  #size = 0;
  #last: Conversation | undefined;
  #lastChosen = 0;
  // what #classify() sees in a frame
  #kind = 0;
  #chosen = 0;

  /** Returns the conversation of a frame, whatever bytes it has. */
  of(frame: Buffer, length: number): Conversation {
    this.#classify(frame, length);
    if (this.#last?.kind === this.#kind && this.#lastChosen === this.#chosen) return this.#last;
    this.#last = this.#find();
    this.#lastChosen = this.#chosen;
    return this.#last;
  }

  #find(): Conversation {
    if (this.#size >= MOST) {
      this.#known.clear();
      this.#size = 0;
    }
    const ofKind = this.#known.get(this.#kind) ?? new Map<number, Conversation>();
    if (ofKind.size === 0) this.#known.set(this.#kind, ofKind);
    let conversation = ofKind.get(this.#chosen);
    if (!conversation) {
      conversation = new Conversation(this.#kind, ofKind.size);
      ofKind.set(this.#chosen, conversation);
      this.#size++;
    }
    return conversation;
  }

  #classify(frame: Buffer, length: number): void {
    this.#kind = 0;
    this.#chosen = 0;
    let at = 12;
    let type = length >= at + 2 ? frame.readUInt16BE(at) : 0;
    while (type === ETH_P_8021Q && length >= at + 6) {
      this.#mix(frame.readUInt16BE(at + 2) & 0xfff);
      at += 4;
      type = frame.readUInt16BE(at);
    }
    this.#mix(type);
    at += 2;
    if (type === ETH_P_ARP && length >= at + 28) this.#addArp(frame, at);
    else if (type === ETH_P_IP && length >= at + 20) this.#addIpv4(frame, at, length);
    else if (type === ETH_P_IPV6 && length >= at + 40) this.#addIpv6(frame, at, length);
  }

  #addArp(frame: Buffer, at: number): void {
    this.#mix(frame.readUInt16BE(at + 6));
    this.#mix(frame.readInt32BE(at + 14));
    this.#mix(frame.readInt32BE(at + 24));
  }

  #addIpv4(frame: Buffer, at: number, length: number): void {
    this.#mix(frame.readInt32BE(at + 12));
    this.#mix(frame.readInt32BE(at + 16));
    const isFragment = (frame.readUInt16BE(at + 6) & IPV4_FRAGMENT) !== 0;
    const header = (frame[at]! & 15) * 4;
    this.#addProtocol(frame, frame[at + 9]!, at + header, isFragment ? 0 : length);
  }

  /** An extension header is a protocol of its own here. */
  #addIpv6(frame: Buffer, at: number, length: number): void {
    for (let i = at + 8; i < at + 40; i += 4) this.#mix(frame.readInt32BE(i));
    this.#addProtocol(frame, frame[at + 6]!, at + 40, length);
  }

  #addProtocol(frame: Buffer, protocol: number, at: number, length: number): void {
    this.#mix(protocol);
    if (length < at + 8) return;
    if (protocol === IPPROTO_TCP || protocol === IPPROTO_UDP) {
      this.#addPort(frame.readUInt16BE(at));
      this.#addPort(frame.readUInt16BE(at + 2));
    } else if (protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6) {
      const type = frame[at]!;
      this.#mix(type);
      if (ECHO_TYPES[protocol]!.includes(type)) this.#chosen = frame.readUInt16BE(at + 4);
    }
  }

  #addPort(port: number): void {
    const isChosen = port >= FIRST_CHOSEN_PORT;
    this.#mix(isChosen ? 0 : port);
    this.#chosen = this.#chosen * 0x1_0000 + (isChosen ? port : 0);
  }

  /** As FNV-1a, of words: the number of the kind is the same in every run. */
  #mix(word: number): void {
    const hash = Math.imul(this.#kind ^ word, 0x0100_0193);
    this.#kind = hash ^ (hash >>> 15);
  }
}
