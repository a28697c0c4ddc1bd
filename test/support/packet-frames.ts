import { ipBytes } from '../../lib/address/ip.js';
import { checksum } from '../../lib/core/internet-checksum.js';
import { frameOf, macOf } from './vde.js';

/** Frames of IP, made by hand, with their checksums. */

export const ETHERTYPE = { 4: 0x0800, 6: 0x86dd, vlan: 0x8100, arp: 0x0806 } as const;

export interface IpParts {
  from?: string;
  to?: string;
  /** The field of IPv4 with flags and offset. */
  fragment?: number;
  /** Extension headers of IPv6: type and bytes without the first one, which says what follows. */
  extensions?: [type: number, rest: number[]][];
}

/** From station 1 to station 2. */
export function ipFrame(protocol: number, data: Uint8Array, parts: IpParts = {}): Buffer {
  const { from = '10.0.0.1', to = '10.0.0.2' } = parts;
  const family = from.includes(':') ? 6 : 4;
  const packet =
    family === 4 ? ipv4(protocol, data, { ...parts, from, to }) : ipv6(protocol, data, { ...parts, from, to });
  return frameOf(macOf(2), macOf(1), ETHERTYPE[family], packet);
}

function ipv4(protocol: number, data: Uint8Array, { from, to, fragment = 0x4000 }: IpParts): Buffer {
  const header = Buffer.from('450000000001000040000000', 'hex');
  header.writeUInt16BE(20 + data.length, 2);
  header.writeUInt16BE(fragment, 6);
  header[9] = protocol;
  const whole = Buffer.concat([header, ipBytes(from!), ipBytes(to!)]);
  whole.writeUInt16BE(checksum(whole), 10);
  return Buffer.concat([whole, data]);
}

function ipv6(protocol: number, data: Uint8Array, { from, to, extensions = [] }: IpParts): Buffer {
  const types = [...extensions.map(([type]) => type), protocol];
  const rest = Buffer.concat(extensions.map(([, bytes], i) => Buffer.from([types[i + 1]!, ...bytes])));
  const header = Buffer.from('6000000000000040', 'hex');
  header.writeUInt16BE(rest.length + data.length, 4);
  header[6] = types[0]!;
  return Buffer.concat([header, ipBytes(from!), ipBytes(to!), rest, data]);
}

/** Returns a datagram of UDP without a checksum. */
export function udp(fromPort: number, toPort: number, data: Uint8Array | string = ''): Buffer {
  const payload = Buffer.from(data);
  const header = Buffer.alloc(8);
  header.writeUInt16BE(fromPort, 0);
  header.writeUInt16BE(toPort, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

export const TCP_FLAG = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 } as const;

/** Returns a segment of TCP with sequence number 1000 and acknowledgement 2000, without a checksum. */
export function tcp(fromPort: number, toPort: number, flags: number, data: Uint8Array | string = ''): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(fromPort, 0);
  header.writeUInt16BE(toPort, 2);
  header.writeUInt32BE(1000, 4);
  header.writeUInt32BE(flags & TCP_FLAG.ACK ? 2000 : 0, 8);
  header[12] = 0x50;
  header[13] = flags;
  return Buffer.concat([header, Buffer.from(data)]);
}

export function icmp(type: number, code = 0, rest: Uint8Array = Buffer.alloc(4)): Buffer {
  return Buffer.concat([Buffer.of(type, code, 0, 0), rest]);
}

/** Puts a tag of a VLAN into a frame. */
export function tagged(frame: Buffer, vlan: number): Buffer {
  const tag = Buffer.alloc(4);
  tag.writeUInt16BE(ETHERTYPE.vlan, 0);
  tag.writeUInt16BE(vlan, 2);
  return Buffer.concat([frame.subarray(0, 12), tag, frame.subarray(12)]);
}
