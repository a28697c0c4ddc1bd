import { isPlainDomainName } from '../address/domain-name.js';
import { concat } from './bytes.js';

/** RFC 1035 2.3.4: a name has at most 255 octets, thus at most 127 labels and as many pointers. */
const MAX_JUMPS = 127;

/** Encodes a domain name as in RFC 1035 3.1, uncompressed. */
export function encodeDomain(name: string): Uint8Array {
  const labels = name.split('.').filter(Boolean);
  return concat(
    ...labels.flatMap((label) => [Uint8Array.of(label.length), Buffer.from(label, 'latin1')]),
    new Uint8Array(1),
  );
}

/**
 * Decodes a list of RFC 1035 names: DHCPv4's option 119 (with compression inside the list, RFC 3397), DHCPv6's 24 and a
 * router's DNSSL. Returns null if any name is malformed: a loop, a pointer or label past the end, a character that
 * resolv.conf(5) cannot hold.
 */
export function decodeDomains(bytes: Uint8Array): string[] | null {
  const names: string[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const found = decodeName(bytes, offset);
    if (!found) return null;
    // DNSSL is padded with zeros (RFC 8106 5.2), which decode as names without labels
    if (found.name !== '') names.push(found.name);
    offset = found.end;
  }
  return names;
}

function decodeName(bytes: Uint8Array, start: number): { name: string; end: number } | null {
  const labels: string[] = [];
  let offset = start;
  let end: number | null = null;
  for (let jumps = 0; jumps <= MAX_JUMPS; ) {
    const length = bytes[offset];
    if (length === undefined) return null;
    if (length === 0) {
      const name = labels.join('.');
      return name === '' || isPlainDomainName(name) ? { name, end: end ?? offset + 1 } : null;
    }
    if (length >= 0xc0) {
      const low = bytes[offset + 1];
      if (low === undefined) return null;
      end ??= offset + 2;
      offset = ((length & 0x3f) << 8) | low;
      jumps++;
      continue;
    }
    const label = bytes.subarray(offset + 1, offset + 1 + length);
    if (label.length < length || labels.length >= MAX_JUMPS) return null;
    const text = Buffer.from(label).toString('latin1');
    // a label with a dot would look like two labels
    if (text.includes('.')) return null;
    labels.push(text);
    offset += 1 + length;
  }
  return null;
}

/**
 * Returns the names in the text of DHCPv4's option 15: one by RFC 2132 3.17, but some servers send several, separated by
 * blanks. Returns none if any is malformed. Some servers end the text with NUL.
 */
export function domainsFromText(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes).toString('latin1').replace(/\0+$/, '');
  const names = text.split(' ').filter(Boolean);
  const bare = names.map((name) => name.replace(/\.$/, ''));
  return bare.every(isPlainDomainName) ? bare : [];
}
