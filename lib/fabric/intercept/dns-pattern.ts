import { asciiName, isDomainName, nameKey } from '../../address/domain-name.js';
import {
  checkBoolean,
  checkInteger,
  checkKeys,
  checkString,
  invalidType,
  invalidValue,
  quoted,
} from '../../core/validate.js';

/** A type of DNS records. */
export type DnsTypeName = keyof typeof TYPES;

/** A DNS message. Name and type are those of its question or, without one as in mDNS, of an answer. */
export interface DnsPattern {
  /** The name: 'bob.lab.test', or '*.lab.test' for all names below it. */
  name?: string;
  /** The type of the records, by name or number. Of an array one is enough. */
  type?: DnsTypeName | number | readonly (DnsTypeName | number)[];
  /** True for answers, false for questions. Default: both. */
  answer?: boolean;
}

/** A checked {@link DnsPattern}. */
export interface DnsPlan {
  /** The name in the format of a message, in small letters, without the root; undefined for any. */
  readonly name: Uint8Array | undefined;
  /** Whether it is the end of the names that are meant. */
  readonly isSuffix: boolean;
  readonly types: readonly number[] | undefined;
  readonly isAnswer: boolean | undefined;
  /** The ports, one of which the message must have; undefined if the match has them. */
  readonly ports: readonly number[] | undefined;
}

/** Numbers of the registry of IANA (RFC 6895, 3.1). */
const TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  TLSA: 52,
  SVCB: 64,
  HTTPS: 65,
  ANY: 255,
  CAA: 257,
} as const;

const DNS_PORT = 53;
const MDNS_PORT = 5353;

/** Checks a pattern. @param hasPorts whether the match names ports */
export function checkDns(where: string, value: unknown, hasPorts: boolean): DnsPlan {
  const expected = "an object such as { name: 'bob.lab.test', type: 'AAAA', answer: true }";
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidType(where, expected, value);
  checkKeys(where, value, ['name', 'type', 'answer']);
  const { name, type, answer } = value as DnsPattern;
  const isSuffix = typeof name === 'string' && name.startsWith('*.');
  return {
    name: name === undefined ? undefined : checkName(`${where}.name`, name, isSuffix),
    isSuffix,
    types: type === undefined ? undefined : checkTypes(`${where}.type`, type),
    isAnswer: answer === undefined ? undefined : checkBoolean(`${where}.answer`, answer),
    ports: hasPorts ? undefined : [DNS_PORT, MDNS_PORT],
  };
}

function checkName(where: string, value: unknown, isSuffix: boolean): Uint8Array {
  const name = nameKey(asciiName(checkString(where, value).slice(isSuffix ? 2 : 0)));
  if (!isDomainName(name)) throw invalidValue(where, "a name such as 'bob.lab.test' or '*.lab.test'", value);
  return Uint8Array.from(name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]));
}

function checkTypes(where: string, value: unknown): number[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw invalidValue(where, 'an array with a type: no message would match', value);
  return list.map((type) => {
    if (typeof type === 'number') return checkInteger(where, type, 0, 0xffff);
    if (typeof type === 'string' && Object.hasOwn(TYPES, type)) return TYPES[type as DnsTypeName];
    throw invalidValue(where, `${quoted(Object.keys(TYPES))}, or a number`, type);
  });
}
