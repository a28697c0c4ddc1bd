import { isIPv4, isIPv6 } from 'node:net';

/** Whether `text` is an IPv4 or IPv6 address (4, 6) or neither (0). A zone ('%eth0') may follow an IPv6 one. */
export function ipVersion(text: string): 0 | 4 | 6 {
  return isIPv4(text) ? 4 : isIPv6(text) ? 6 : 0;
}

/** An address without its zone: 'fe80::1' of 'fe80::1%eth0'. */
export function withoutZone(address: string): string {
  const at = address.indexOf('%');
  return at < 0 ? address : address.slice(0, at);
}

/** The zone of an address: 'eth0' of 'fe80::1%eth0', '' without one. */
export function zoneOf(address: string): string {
  const at = address.indexOf('%');
  return at < 0 ? '' : address.slice(at + 1);
}

/** 4 or 16 bytes in network order. The zone is left out. */
export function ipBytes(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split('.'), Number);
  if (!isIPv6(address)) throw new TypeError(`not an IP address: ${address}`);
  let text = withoutZone(address);
  const dotted = /\d+\.\d+\.\d+\.\d+$/.exec(text)?.[0];
  if (dotted) {
    const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
    text = `${text.slice(0, -dotted.length)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const [head = '', tail] = text.split('::');
  const before = head ? head.split(':') : [];
  const after = tail ? tail.split(':') : [];
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}

/** The text of 4 or 16 bytes, the IPv6 form after RFC 5952. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (isMapped(bytes)) return `::ffff:${bytes.subarray(12).join('.')}`;
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  const [start, length] = longestZeroRun(groups);
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

function longestZeroRun(groups: readonly string[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === '0') end++;
    if (end - start > best[1]) best = [start, end - start];
    if (end > start) start = end;
  }
  return best;
}

/** Whether 16 bytes are an IPv4-mapped address, ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). */
export function isMapped(bytes: Uint8Array): boolean {
  return (
    bytes.length === 16 && bytes[10] === 255 && bytes[11] === 255 && bytes.subarray(0, 10).every((byte) => byte === 0)
  );
}

/** 16 bytes for any address: an IPv4 one becomes IPv4-mapped. */
export function mappedBytes(address: string): Uint8Array {
  const bytes = ipBytes(address);
  if (bytes.length === 16) return bytes;
  const mapped = new Uint8Array(16);
  mapped.set([255, 255], 10);
  mapped.set(bytes, 12);
  return mapped;
}

/**
 * The IPv4 address that inet_aton(3) reads: one to four numbers, each decimal, octal (0…) or hexadecimal (0x…), the last
 * one filling what is left: '127.1' is 127.0.0.1. Null for anything else.
 */
export function inetAton(text: string): string | null {
  const parts = text.split('.');
  if (parts.length > 4) return null;
  const numbers: number[] = [];
  for (const part of parts) {
    if (!/^(0x[\da-f]+|0[0-7]*|[1-9]\d*)$/i.test(part)) return null;
    numbers.push(/^0[0-7]+$/.test(part) ? Number.parseInt(part, 8) : Number(part));
  }
  const last = numbers.pop() ?? 0;
  if (numbers.some((number) => number > 255) || last >= 256 ** (4 - numbers.length)) return null;
  const value = numbers.reduce((sum, number, i) => sum + number * 256 ** (3 - i), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** The name under which the DNS holds what an address is called: 1.0.0.10.in-addr.arpa, ….ip6.arpa. */
export function reverseName(address: string): string {
  const bytes = ipBytes(address);
  if (bytes.length === 4) return `${[...bytes].reverse().join('.')}.in-addr.arpa`;
  const nibbles = [...bytes].reverse().flatMap((byte) => [(byte & 15).toString(16), (byte >> 4).toString(16)]);
  return `${nibbles.join('.')}.ip6.arpa`;
}
