import * as dnsPacket from 'dns-packet';
import { MAX_LABEL_BYTES, sameName } from '../address/domain-name.js';
import { ipText } from '../address/ip.js';

/** Record types that this library asks for by name; the data of any other type are bytes. */
export type RecordType =
  | 'A'
  | 'AAAA'
  | 'ANY'
  | 'CAA'
  | 'CNAME'
  | 'MX'
  | 'NAPTR'
  | 'NS'
  | 'PTR'
  | 'SOA'
  | 'SRV'
  | 'TLSA'
  | 'TXT';

export interface Question {
  name: string;
  type: RecordType;
}

/** Record as dns-packet decodes it; its data are bytes if dns-packet doesn't know the type. */
export type DnsRecord = Exclude<dnsPacket.Answer, dnsPacket.OptAnswer> & { ttl: number };

export interface DnsMessage {
  id: number;
  isResponse: boolean;
  isTruncated: boolean;
  /** 'NOERROR', 'NXDOMAIN', 'SERVFAIL', …; includes the upper bits from EDNS. */
  rcode: string;
  questions: { name: string; type: string; class: string }[];
  answers: DnsRecord[];
  authorities: DnsRecord[];
  /** The records of EDNS, of which a message has one at most: RFC 6891, 6.1.1. */
  opts: dnsPacket.OptAnswer[];
}

/** The largest UDP response that a query with EDNS allows, in bytes: fits the smallest IPv6 link (RFC 9715). */
const EDNS_PAYLOAD = 1232;
const HEADER_LENGTH = 12;
const RCODES = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
];

// Exports of dns-packet that its types omit.
interface Codec<T> {
  decode: { (bytes: Buffer, offset: number): T; bytes: number };
}
const codecs = dnsPacket as unknown as {
  question: Codec<{ name: string; type: string; class: string }>;
  answer: Codec<dnsPacket.Answer & { ttl?: number }>;
};

/** Encodes a query for one question with recursion desired and, by default, an EDNS record (RFC 6891). */
export function encodeQuery(id: number, { name, type }: Question, { edns0 = true } = {}): Buffer {
  const opt: dnsPacket.OptAnswer = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: EDNS_PAYLOAD,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
  return dnsPacket.encode({
    type: 'query',
    id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name, type: type as dnsPacket.RecordType }],
    additionals: edns0 ? [opt] : [],
  });
}

/**
 * Decodes a message; returns null for a malformed one. Safe on any bytes: dns-packet sees one record at a time, in a
 * buffer that ends with the record, and must consume exactly those bytes. Otherwise the whole message is malformed.
 */
export function decodeMessage(bytes: Uint8Array): DnsMessage | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return decode(buffer);
  } catch {
    return null;
  }
}

function decode(buffer: Buffer): DnsMessage | null {
  if (buffer.length < HEADER_LENGTH) return null;
  const flags = buffer.readUInt16BE(2);
  const [questionCount = 0, ...recordCounts] = [4, 6, 8, 10].map((offset) => buffer.readUInt16BE(offset));
  const records = recordCounts.reduce((sum, count) => sum + count, 0);
  // a question takes at least 5 bytes, a record at least 11
  if (HEADER_LENGTH + questionCount * 5 + records * 11 > buffer.length) return null;
  const message: DnsMessage = {
    id: buffer.readUInt16BE(0),
    isResponse: (flags & 0x8000) !== 0,
    isTruncated: (flags & 0x0200) !== 0,
    rcode: '',
    questions: [],
    answers: [],
    authorities: [],
    opts: [],
  };
  let offset = HEADER_LENGTH;
  for (let i = 0; i < questionCount; i++) {
    const end = nameEnd(buffer, offset) + 4;
    if (end > buffer.length) return null;
    message.questions.push(codecs.question.decode(buffer.subarray(0, end), offset));
    offset = end;
  }
  const sections = [message.answers, message.authorities, []];
  for (const [i, section] of sections.entries()) {
    for (let n = recordCounts[i] ?? 0; n > 0; n--) {
      const [record, end] = decodeRecord(buffer, offset);
      if (record.type === 'OPT') message.opts.push(record);
      else section.push(record as DnsRecord);
      offset = end;
    }
  }
  const rcode = ((message.opts.at(-1)?.extendedRcode ?? 0) << 4) | (flags & 15);
  message.rcode = RCODES[rcode] ?? `RCODE_${rcode}`;
  return message;
}

function decodeRecord(buffer: Buffer, start: number): [record: dnsPacket.Answer, end: number] {
  const dataStart = nameEnd(buffer, start) + 10;
  const end = dataStart + buffer.readUInt16BE(dataStart - 2);
  if (end > buffer.length) throw new RangeError('a record ends after its message');
  const record = codecs.answer.decode(buffer.subarray(0, end), start);
  if (start + codecs.answer.decode.bytes !== end) throw new RangeError('the data of a record has another length');
  // dns-packet does not check the length of an address
  if (record.type === 'A' && end - dataStart !== 4) throw new RangeError('an A record has 4 bytes');
  if (record.type === 'AAAA' && end - dataStart !== 16) throw new RangeError('an AAAA record has 16 bytes');
  // dns-packet does not shorten the longest run of zeros (RFC 5952)
  if (record.type === 'AAAA') record.data = ipText(buffer.subarray(dataStart, end));
  if (record.ttl !== undefined && record.ttl > 0x7fffffff) record.ttl = 0; // RFC 2181, 8
  return [record, end];
}

/** Returns where the name that starts at `offset` ends: after its root label or its pointer. */
export function nameEnd(buffer: Buffer, offset: number): number {
  for (let at = offset; ; ) {
    const length = buffer.readUInt8(at);
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > MAX_LABEL_BYTES) throw new RangeError(`a label has ${MAX_LABEL_BYTES} bytes at most`);
    at += length + 1;
  }
}

/** Codes that a server may send as a bare header: it did not read as far as the question, and does not repeat it. */
const BARE_RCODES = ['FORMERR', 'SERVFAIL', 'NOTIMP', 'REFUSED'];

/** Returns whether `message` responds to exactly that question: same id, one question (any letter case), class IN. */
export function isResponseTo(message: DnsMessage, id: number, question: Question): boolean {
  const [asked, ...more] = message.questions;
  if (!message.isResponse || message.id !== id) return false;
  if (asked === undefined) return BARE_RCODES.includes(message.rcode);
  return (
    more.length === 0 && sameName(asked.name, question.name) && asked.type === question.type && asked.class === 'IN'
  );
}

/** Returns whether bytes, even malformed ones, begin like a response to the query with that id. */
export function isReplyWithId(bytes: Buffer, id: number): boolean {
  return bytes.length >= HEADER_LENGTH && bytes.readUInt16BE(0) === id && bytes.readUInt8(2) >= 0x80;
}

/** Answer that a response gives to its question. */
export interface Reply {
  status: 'found' | 'nodata' | 'nxdomain';
  /** The records of the requested type, for the name at the end of the aliases. For ANY, of every type. */
  records: DnsRecord[];
  /** The name at the end of the aliases. */
  canonicalName: string;
  /** How many seconds it may be cached; 0 if the response gives no time. */
  ttl: number;
  /** True if it has neither records nor an SOA that confirms their absence: the aliases may continue on another server. */
  isOpenEnded: boolean;
}

const MAX_ALIASES = 16;
/** The cap on negative caching (RFC 2308, 5). */
const MAX_NEGATIVE_TTL_SECONDS = 3 * 3600;

/**
 * Reads a response: follows its CNAME records from the requested name. Takes the time to live from the records used or,
 * if there are none, from the SOA (RFC 2308, 5).
 */
export function readReply(message: DnsMessage, question: Question): Reply {
  let name = question.name;
  let ttl = Number.POSITIVE_INFINITY;
  if (question.type !== 'ANY' && question.type !== 'CNAME') {
    for (let hops = 0; hops < MAX_ALIASES; hops++) {
      const alias = message.answers.find((record) => record.type === 'CNAME' && sameName(record.name, name));
      if (alias?.type !== 'CNAME') break;
      name = alias.data as string;
      ttl = Math.min(ttl, alias.ttl);
    }
  }
  const records = message.answers.filter((record) => {
    const isOfType = question.type === 'ANY' || record.type === question.type;
    return isOfType && (record.class ?? 'IN') === 'IN' && sameName(record.name, name);
  });
  if (records.length > 0) {
    ttl = Math.min(ttl, ...records.map((record) => record.ttl));
    return { status: 'found', records, canonicalName: name, ttl, isOpenEnded: false };
  }
  const status = message.rcode === 'NXDOMAIN' ? 'nxdomain' : 'nodata';
  const soa = message.authorities.find((record) => record.type === 'SOA');
  // RFC 2308, 5: the minimum of the SOA's own time to live and its last field
  const negativeTtl = soa?.type === 'SOA' ? Math.min(soa.ttl, soa.data.minimum ?? 0, MAX_NEGATIVE_TTL_SECONDS) : 0;
  return { status, records, canonicalName: name, ttl: Math.min(ttl, negativeTtl), isOpenEnded: !soa };
}

/** Returns the addresses among the records of a reply. */
export function addressesOf({ records }: Reply): string[] {
  return records.flatMap((record) => (record.type === 'A' || record.type === 'AAAA' ? [record.data] : []));
}
