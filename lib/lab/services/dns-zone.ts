import * as dnsPacket from 'dns-packet';
import { nameKey } from '../../address/domain-name.js';
import { familyOf, reverseName } from '../../address/ip.js';
import { AF_INET } from '../../constants/socket.js';
import { type DnsMessage, decodeMessage, nameEnd } from '../../dns/message.js';
import type { HostPlan } from '../topology/host-plan.js';
import { nat64AddressesOf, type Topology } from '../topology/topology.js';

const TTL_SECONDS = 60;
const HEADER_LENGTH = 12;
/** The size of a message that any client accepts by UDP: RFC 1035, 4.2.1. */
const PLAIN_UDP_SIZE = 512;
const MAX_UDP_SIZE = 1232;
const QR = 0x8000;
const OPCODE = 0x7800;
const RCODE = 15;
const NOERROR = 0;
const FORMERR = 1;
const NXDOMAIN = 3;
const NOTIMP = 4;
const REFUSED = 5;
const BADVERS = 16;
const UNKNOWN_CLASS = 'UNKNOWN_';

/** What clients ask for to find out the prefix of a NAT64: RFC 7050. */
const IPV4_ONLY = 'ipv4only.arpa';
const IPV4_ONLY_ADDRESSES = ['192.0.0.170', '192.0.0.171'];

type Record = dnsPacket.Answer;
type Question = DnsMessage['questions'][number];

/** The zone of a lab for an authoritative server: the names of its domain, the reverse names of its addresses, and no others. */
export class DnsZone {
  readonly #topology: Topology;
  readonly #server: HostPlan;
  readonly #isDns64: boolean;
  #records = new Map<string, Record[]>();
  /** The number of moves of hosts when the records were made. */
  #moves = -1;

  /**
   * @param server the host that serves it
   * @param options `isDns64`: true if what has no IPv6 address gets those that stand for its IPv4 addresses (RFC 6147)
   */
  constructor(topology: Topology, server: HostPlan, options: { isDns64?: boolean } = {}) {
    this.#topology = topology;
    this.#server = server;
    this.#isDns64 = options.isDns64 ?? false;
  }

  #makeRecords(): void {
    this.#records = new Map();
    this.#moves = this.#topology.moves;
    const { domain, hosts } = this.#topology;
    const apex: Record[] = [
      this.#soa(domain),
      { type: 'NS', name: domain, ttl: TTL_SECONDS, data: this.#nameOf(this.#server) },
    ];
    this.#records.set(nameKey(domain), apex);
    for (const host of hosts) this.#addHost(host);
    if (this.#isDns64) this.#addName(IPV4_ONLY, IPV4_ONLY_ADDRESSES, TTL_SECONDS);
  }

  /**
   * Returns the response to a query, or null for no response.
   * @param isTcp false if the response must not be larger than the client accepts by UDP: then it is marked as truncated instead
   */
  answer(query: Uint8Array, isTcp: boolean): Buffer | null {
    const bytes = Buffer.from(query.buffer, query.byteOffset, query.byteLength);
    if (bytes.length < HEADER_LENGTH || bytes.readUInt16BE(2) & QR) return null;
    const message = decodeMessage(bytes);
    const opt = message?.opts[0];
    const header = { id: bytes.readUInt16BE(0), flags: bytes.readUInt16BE(2), opt };
    if (header.flags & OPCODE) return response(header, { rcode: NOTIMP });
    const question = message?.questions[0];
    if (!question || message.questions.length !== 1 || message.opts.length > 1) {
      return response(header, { rcode: FORMERR });
    }
    const found = this.#contentFor(question, opt);
    try {
      const whole = response(header, { ...found, question });
      if (isTcp || whole.length <= udpSize(opt)) return whole;
      return response(header, { rcode: found.rcode, isTruncated: true, question });
    } catch {
      // dns-packet reads some names and types that it does not write
      return response(header, { rcode: FORMERR });
    }
  }

  #contentFor({ name, type, class: asked }: Question, opt: dnsPacket.OptAnswer | undefined): Content {
    // RFC 6891, 6.1.3
    if (opt && opt.ednsVersion > 0) return { rcode: BADVERS };
    return asked === 'IN' ? this.#find(name, type) : { rcode: REFUSED };
  }

  #find(name: string, type: string): Content {
    if (this.#moves !== this.#topology.moves) this.#makeRecords();
    const key = nameKey(name);
    const domain = nameKey(this.#topology.domain);
    const isOurs = key === domain || key.endsWith(`.${domain}`);
    const records = this.#records.get(key);
    const answers = (records ?? []).filter((record) => type === 'ANY' || record.type === type);
    if (answers.length > 0) return { rcode: NOERROR, answers: answers.map((record) => ({ ...record, name })) };
    // RFC 2308, 3
    return {
      rcode: records || this.#hasNameBelow(key) ? NOERROR : NXDOMAIN,
      authorities: [this.#soa(isOurs ? this.#topology.domain : '.')],
    };
  }

  /** Returns whether a name without records is there all the same: RFC 8020, 2. */
  #hasNameBelow(key: string): boolean {
    return key === '' || [...this.#records.keys()].some((known) => known.endsWith(`.${key}`));
  }

  #soa(zone: string): Record {
    const data = {
      mname: this.#nameOf(this.#server),
      rname: `hostmaster.${this.#topology.domain}`,
      serial: 1,
      refresh: TTL_SECONDS,
      retry: TTL_SECONDS,
      expire: TTL_SECONDS,
      minimum: TTL_SECONDS,
    };
    return { type: 'SOA', name: zone, ttl: TTL_SECONDS, data };
  }

  #addHost(host: HostPlan): void {
    // a host that roams has another address soon
    const ttl = host.cables ? 0 : TTL_SECONDS;
    const known = this.#topology.addressesFor(this.#server, host);
    const own = host.attachments.flatMap(({ addresses }) => [...addresses.values()]);
    const seen = this.#topology.nats.size > 0 ? own.filter((address) => known.includes(address)) : own;
    // behind a NAT that forwards a port to it, it has the address of the NAT
    this.#addName(this.#nameOf(host), seen.length > 0 ? seen : known, ttl);
    for (const address of seen) this.#addReverse(host, address);
    if (this.#isDns64) for (const address of nat64AddressesOf(seen)) this.#addReverse(host, address);
  }

  #addName(name: string, addresses: readonly string[], ttl: number): void {
    if (addresses.length === 0) return;
    const all = this.#isDns64 ? new Set([...addresses, ...nat64AddressesOf(addresses)]) : addresses;
    const typeOf = (address: string) => (familyOf(address) === AF_INET ? 'A' : 'AAAA');
    this.#records.set(
      nameKey(name),
      Array.from(all, (data): Record => ({ type: typeOf(data), name, ttl, data })),
    );
  }

  #addReverse(host: HostPlan, address: string): void {
    const name = reverseName(address);
    this.#records.set(nameKey(name), [{ type: 'PTR', name, ttl: TTL_SECONDS, data: this.#nameOf(host) }]);
  }

  #nameOf({ name }: HostPlan): string {
    return `${name}.${this.#topology.domain}`;
  }
}

interface Content {
  rcode: number;
  isTruncated?: boolean;
  question?: Question;
  answers?: Record[];
  authorities?: Record[];
}

interface Header {
  id: number;
  flags: number;
  /** What the query has of EDNS. */
  opt: dnsPacket.OptAnswer | undefined;
}

function response({ id, flags, opt }: Header, content: Content): Buffer {
  const { rcode, isTruncated, question, answers = [], authorities = [] } = content;
  const isOurs = rcode === NOERROR || rcode === NXDOMAIN;
  const message = dnsPacket.encode({
    type: 'response',
    id,
    flags:
      (flags & (OPCODE | dnsPacket.RECURSION_DESIRED)) |
      (isOurs ? dnsPacket.AUTHORITATIVE_ANSWER : 0) |
      (isTruncated ? dnsPacket.TRUNCATED_RESPONSE : 0) |
      (rcode & RCODE),
    questions: question ? [question as dnsPacket.Question] : [],
    answers,
    authorities,
    additionals: opt ? [ownOpt(opt, rcode)] : [],
  });
  // dns-packet writes 0 for these
  if (question?.class.startsWith(UNKNOWN_CLASS)) {
    const asked = Number(question.class.slice(UNKNOWN_CLASS.length));
    message.writeUInt16BE(asked, nameEnd(message, HEADER_LENGTH) + 2);
  }
  return message;
}

/** Returns the record of EDNS for the response to a query that has one: RFC 6891, 6.1.1; RFC 3225, 3 for the flag DO. */
function ownOpt({ flags, flag_do }: dnsPacket.OptAnswer, rcode: number): dnsPacket.OptAnswer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: MAX_UDP_SIZE,
    extendedRcode: rcode >> 4,
    ednsVersion: 0,
    flags: flags & dnsPacket.DNSSEC_OK,
    flag_do,
    options: [],
  };
}

/** Returns the size of a response that a client accepts by UDP: RFC 6891, 6.2.3. */
function udpSize(opt: dnsPacket.OptAnswer | undefined): number {
  return Math.min(MAX_UDP_SIZE, Math.max(PLAIN_UDP_SIZE, opt?.udpPayloadSize ?? 0));
}
