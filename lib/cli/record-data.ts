import type { DnsRecord } from '../dns/message.js';

/** Formats the data of a record as in a zone file (RFC 1035, section 5.1). */
export function recordData(record: DnsRecord): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.data;
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return absolute(record.data);
    case 'MX':
      return `${record.data.preference ?? 0} ${absolute(record.data.exchange)}`;
    case 'SRV': {
      const { priority = 0, weight = 0, port, target } = record.data;
      return `${priority} ${weight} ${port} ${absolute(target)}`;
    }
    case 'TXT':
      return [record.data].flat().map(quoted).join(' ');
    case 'CAA':
      return `${record.data.flags ?? 0} ${record.data.tag} ${quoted(record.data.value)}`;
    case 'SOA': {
      const { mname, rname, serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0 } = record.data;
      return [absolute(mname), absolute(rname), serial, refresh, retry, expire, minimum].join(' ');
    }
    case 'NAPTR': {
      const { order, preference, flags, services, regexp, replacement } = record.data;
      return [order, preference, ...[flags, services, regexp].map(quoted), absolute(replacement)].join(' ');
    }
    default:
      return unknownData(record.data);
  }
}

function absolute(name: string): string {
  return name === '.' ? name : `${name}.`;
}

// a server's text may contain sequences that move the cursor of a terminal
function quoted(text: string | Buffer): string {
  const escaped = Array.from(typeof text === 'string' ? Buffer.from(text) : text, (byte) => {
    const character = String.fromCharCode(byte);
    if (character === '"' || character === '\\') return `\\${character}`;
    return byte < 32 || byte > 126 ? `\\${String(byte).padStart(3, '0')}` : character;
  });
  return `"${escaped.join('')}"`;
}

/** Formats data of an unknown type (RFC 3597, section 5). */
function unknownData(data: unknown): string {
  if (!(data instanceof Uint8Array)) return JSON.stringify(data);
  return `\\# ${data.length} ${Buffer.from(data).toString('hex')}`.trimEnd();
}
