import { IPPROTO_TCP } from '../../constants/inet.js';
import { type Headers, isIcmp } from '../headers.js';
import { Session, type Timeouts, timeoutOf } from '../nat/session.js';

const MAX_FLOWS = 65_536;
/** Of echo, timestamp, information and address mask (RFC 792, RFC 950), and echo of ICMPv6 (RFC 4443). */
const ICMP_ANSWERS = new Set([0, 14, 16, 18, 129]);
/** The bytes of a key: two addresses, two ports, a protocol, a family. */
const KEY_SIZE = 38;
const ADDRESS = 16;
const FNV_PRIME = 0x0100_0193;
const FNV_BASIS = 0x811c_9dc5;

class Flow extends Session {
  constructor(readonly key: Buffer) {
    super();
  }
}

/** The conversations that a firewall has let through, by their endpoints. A look-up allocates nothing. */
export class FlowTable {
  readonly #flows = new Map<number, Flow[]>();
  readonly #key = Buffer.alloc(KEY_SIZE);
  #size = 0;
  #hash = 0;

  constructor(readonly timeouts: Timeouts) {}

  /** Returns whether a packet belongs to a conversation. `isOut` is false if its sender is the remote end. */
  has(frame: Buffer, headers: Headers, isOut: boolean, now: number): boolean {
    return this.#find(frame, headers, isOut, now) !== undefined;
  }

  /** Notes a packet of a conversation that is known. Returns false if it is not. */
  note(frame: Buffer, headers: Headers, isOut: boolean, now: number): boolean {
    const flow = this.#find(frame, headers, isOut, now);
    if (flow) this.#refresh(flow, headers, isOut, now);
    return flow !== undefined;
  }

  /** Adds the conversation of a packet. Returns false if there are too many. */
  add(frame: Buffer, headers: Headers, isOut: boolean, now: number): boolean {
    if (this.#find(frame, headers, isOut, now)) return true;
    if (this.#size >= MAX_FLOWS) this.sweep(now);
    if (this.#size >= MAX_FLOWS) return false;
    const flow = new Flow(Buffer.from(this.#key));
    const others = this.#flows.get(this.#hash);
    if (others) others.push(flow);
    else this.#flows.set(this.#hash, [flow]);
    this.#size++;
    this.#refresh(flow, headers, isOut, now);
    return true;
  }

  #refresh(flow: Flow, { protocol, flags }: Headers, isOut: boolean, now: number): void {
    if (protocol === IPPROTO_TCP && flags >= 0) flow.noteTcp(flags, isOut);
    flow.expires = now + timeoutOf(this.timeouts, protocol, flow.isEstablished);
  }

  #find(frame: Buffer, headers: Headers, isOut: boolean, now: number): Flow | undefined {
    this.#makeKey(frame, headers, isOut);
    const flows = this.#flows.get(this.#hash);
    if (!flows) return undefined;
    for (const flow of flows) if (flow.expires > now && flow.key.equals(this.#key)) return flow;
    return undefined;
  }

  #makeKey(frame: Buffer, headers: Headers, isOut: boolean): void {
    const { fromAddress, toAddress, addressLength, family, protocol, transport, end } = headers;
    const key = this.#key.fill(0);
    const [inner, remote] = isOut ? [fromAddress, toAddress] : [toAddress, fromAddress];
    frame.copy(key, 0, inner, inner + addressLength);
    frame.copy(key, ADDRESS, remote, remote + addressLength);
    if (isIcmp(protocol)) {
      // a question and its answer have one identifier; a question of the other end with it is another conversation
      if (transport >= 0 && end >= transport + 8) frame.copy(key, 2 * ADDRESS, transport + 4, transport + 6);
      if (isOut === ICMP_ANSWERS.has(headers.icmpType)) key[2 * ADDRESS + 2] = 1;
    } else {
      key.writeUInt16BE(Math.max(0, isOut ? headers.fromPort : headers.toPort), 2 * ADDRESS);
      key.writeUInt16BE(Math.max(0, isOut ? headers.toPort : headers.fromPort), 2 * ADDRESS + 2);
    }
    key[KEY_SIZE - 2] = protocol;
    key[KEY_SIZE - 1] = family;
    let hash = FNV_BASIS;
    for (let i = 0; i < KEY_SIZE; i++) hash = Math.imul(hash ^ key[i]!, FNV_PRIME);
    this.#hash = hash;
  }

  /** Forgets what has ended. */
  sweep(now: number): void {
    for (const [hash, flows] of this.#flows) {
      const left = flows.filter(({ expires }) => expires > now);
      this.#size -= flows.length - left.length;
      if (left.length === 0) this.#flows.delete(hash);
      else if (left.length < flows.length) this.#flows.set(hash, left);
    }
  }

  clear(): void {
    this.#flows.clear();
    this.#size = 0;
  }
}
