import type { AnyRecord, CaaRecord, MxRecord, NaptrRecord, RecordWithTtl, SoaRecord, SrvRecord } from 'node:dns';
import { sameName } from '../address/domain-name.js';
import { ipBytes, ipText } from '../address/ip.js';
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
  TXT: string[];
}

/** The types of {@link NodeRecords}: those that can be asked for one by one. */
export const NODE_TYPES = ['A', 'AAAA', 'CAA', 'CNAME', 'MX', 'NAPTR', 'NS', 'PTR', 'SOA', 'SRV', 'TXT'] as const;

/** The records of one type, as node:dns gives them. */
export function nodeRecords<T extends keyof NodeRecords>(records: readonly DnsRecord[], type: T): NodeRecords[T][] {
  return records.flatMap((record) => (record.type === type ? [nodeRecord(record) as NodeRecords[T]] : []));
}

/** Records of any type, as resolveAny gives them. Types that node:dns has no form for are left out. */
export function anyRecords(records: readonly DnsRecord[]): AnyRecord[] {
  return records.flatMap((record): AnyRecord[] => {
    const value = nodeRecord(record);
    if (value === undefined) return [];
    const type = record.type as Exclude<RecordType, 'ANY'>;
    if (Array.isArray(value)) return [{ type: 'TXT', entries: value }];
    return [(typeof value === 'string' ? { type, value } : { type, ...value }) as AnyRecord];
  });
}

function nodeRecord(record: DnsRecord): NodeRecords[keyof NodeRecords] | undefined {
  switch (record.type) {
    case 'A':
      return { address: record.data, ttl: record.ttl };
    case 'AAAA':
      return { address: ipText(ipBytes(record.data)), ttl: record.ttl };
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
    case 'TXT':
      return [record.data].flat().map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
    default:
      return undefined;
  }
}

// node:dns has '' for the root
function hostName(name: string): string {
  return sameName(name, '.') ? '' : name;
}
