import type { AnyRecord, CaaRecord, MxRecord, NaptrRecord, RecordWithTtl, SoaRecord, SrvRecord } from 'node:dns';
import { sameName } from '../address/domain-name.js';
import type { DnsRecord, RecordType } from '../dns/message.js';

/** The form that node:dns gives to a record of each type. */
export interface NodeRecords {
  A: RecordWithTtl;
  AAAA: RecordWithTtl;
  CAA: CaaRecord;
  CNAME: string;
  MX: MxRecord;
  NAPTR: NaptrRecord;
  NS: string;
  PTR: string;
  SOA: SoaRecord;
  SRV: SrvRecord;
  TLSA: { certUsage: number; selector: number; match: number; data: ArrayBuffer };
  TXT: string[];
}

/** The subject of a query of node:dns: records of one type, records of any type, or the names of an address. */
export type QueryType = keyof NodeRecords | 'ANY' | 'address';

/** The `type` property that records have since Node 24. In older versions, and for other types, they have none. */
const TYPES = { MX: 'MX', SRV: 'SRV', CAA: 'CAA', TLSA: 'TLSA', NAPTR: undefined, SOA: undefined };
const HAVE_TYPE = Number.parseInt(process.versions.node, 10) >= 24;

/** Returns the records of one type, in the form of node:dns. */
export function nodeRecords<T extends keyof NodeRecords>(records: readonly DnsRecord[], type: T): NodeRecords[T][] {
  const own = records.filter((record) => record.type === type).map((record) => nodeRecord(record) as NodeRecords[T]);
  if (!HAVE_TYPE || !(type in TYPES)) return own;
  const shown = TYPES[type as keyof typeof TYPES];
  return own.map((record) => Object.assign(record, { type: shown }));
}

/** Returns records of any type, in the form of resolveAny. Leaves out types that node:dns has no form for. */
export function anyRecords(records: readonly DnsRecord[]): AnyRecord[] {
  return records.flatMap((record): AnyRecord[] => {
    const value = nodeRecord(record);
    if (value === undefined) return [];
    const type = record.type as Exclude<RecordType, 'ANY'>;
    if (Array.isArray(value)) return [{ entries: value, type: 'TXT' }];
    return [(typeof value === 'string' ? { value, type } : { ...value, type }) as AnyRecord];
  });
}

function nodeRecord(record: DnsRecord): NodeRecords[keyof NodeRecords] | undefined {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return { address: record.data, ttl: record.ttl };
    case 'CAA':
      return { critical: record.data.flags ?? 0, [record.data.tag]: record.data.value };
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return hostName(record.data);
    case 'MX':
      return { exchange: hostName(record.data.exchange), priority: record.data.preference ?? 0 };
    case 'NAPTR': {
      const { flags, services, regexp, replacement, order, preference } = record.data;
      return { flags, service: services, regexp, replacement: hostName(replacement), order, preference };
    }
    case 'SOA': {
      const { mname, rname, serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0 } = record.data;
      return { nsname: hostName(mname), hostmaster: hostName(rname), serial, refresh, retry, expire, minttl: minimum };
    }
    case 'SRV': {
      const { target, port, priority = 0, weight = 0 } = record.data;
      return { name: hostName(target), port, priority, weight };
    }
    case 'TLSA': {
      const { usage: certUsage, selector, matchingType: match, certificate } = record.data;
      return { certUsage, selector, match, data: Uint8Array.from(certificate).buffer };
    }
    case 'TXT':
      return [record.data].flat().map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
    default:
      return undefined;
  }
}

// node:dns writes the root as ''
function hostName(name: string): string {
  return sameName(name, '.') ? '' : name;
}
