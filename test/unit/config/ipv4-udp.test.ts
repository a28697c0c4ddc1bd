import { decodeArp, encodeArpProbe, isConflict } from '../../../lib/config/arp.js';
import { decodeUdp, encodeUdp, type UdpPacket } from '../../../lib/config/ipv4-udp.js';
import { checksum } from '../../../lib/core/internet-checksum.js';
import { fuzz } from '../../support/fuzz.js';

const PACKET: UdpPacket = {
  source: '10.0.0.1',
  sourcePort: 67,
  destination: '255.255.255.255',
  destinationPort: 68,
  payload: Uint8Array.of(1, 2, 3, 4, 5),
};

describe('UDP over IPv4', () => {
  test('what is encoded decodes to the same', () => {
    const decoded = decodeUdp(encodeUdp(PACKET))!;
    expect({ ...decoded, payload: [...decoded.payload] }).toEqual({ ...PACKET, payload: [1, 2, 3, 4, 5] });
  });

  test('both checksums are right', () => {
    const bytes = encodeUdp(PACKET);
    expect(checksum(bytes.subarray(0, 20))).toBe(0);
    const pseudoHeader = Uint8Array.of(10, 0, 0, 1, 255, 255, 255, 255, 0, 17, 0, bytes.length - 20);
    expect(checksum(Buffer.concat([pseudoHeader, bytes.subarray(20)]))).toBe(0);
  });

  test('the example of RFC 1071', () => {
    expect(checksum(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7))).toBe(~0xddf2 & 0xffff);
  });

  test('the padding of a short frame is not of the packet', () => {
    const padded = Buffer.concat([encodeUdp(PACKET), Buffer.alloc(13)]);
    expect(decodeUdp(padded)?.payload).toHaveLength(5);
  });

  test('a header with options is skipped', () => {
    const bytes = encodeUdp(PACKET);
    const header = Buffer.concat([bytes.subarray(0, 20), Buffer.from([1, 1, 1, 0])]);
    header[0] = 0x46;
    header.writeUInt16BE(bytes.length + 4, 2);
    header.writeUInt16BE(0, 10);
    header.writeUInt16BE(checksum(header), 10);
    expect(decodeUdp(Buffer.concat([header, bytes.subarray(20)]))?.payload).toHaveLength(5);
  });

  test.each<[string, (bytes: Buffer) => Uint8Array]>([
    ['nothing', () => new Uint8Array()],
    ['a cut header', (bytes) => bytes.subarray(0, 19)],
    ['a cut UDP header', (bytes) => bytes.subarray(0, 27)],
    ['a cut payload', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['a header that says it is longer than the packet', (bytes) => resum(bytes, (b) => b.writeUInt8(0x4f, 0))],
    ['a header shorter than it may be', (bytes) => resum(bytes, (b) => b.writeUInt8(0x44, 0))],
    ['a wrong checksum', (bytes) => bytes.fill(9, 12, 13)],
    ['IPv6', (bytes) => resum(bytes, (b) => b.writeUInt8(0x65, 0))],
    ['TCP', (bytes) => resum(bytes, (b) => b.writeUInt8(6, 9))],
    ['a first fragment', (bytes) => resum(bytes, (b) => b.writeUInt16BE(0x2000, 6))],
    ['a later fragment', (bytes) => resum(bytes, (b) => b.writeUInt16BE(1, 6))],
    ['a UDP length past the end', (bytes) => bytes.fill(100, 25, 26)],
    ['a UDP length below its header', (bytes) => bytes.fill(7, 25, 26)],
  ])('%s is ignored', (_, damage) => {
    expect(decodeUdp(damage(Buffer.from(encodeUdp(PACKET))))).toBeNull();
  });

  test('any bytes', () => fuzz([encodeUdp(PACKET)], decodeUdp));
});

describe('ARP', () => {
  const probe = encodeArpProbe('02:00:00:00:00:01', '10.0.0.50');

  test('a probe asks without claiming', () => {
    expect(decodeArp(probe)).toEqual({
      isRequest: true,
      senderMac: '02:00:00:00:00:01',
      senderAddress: '0.0.0.0',
      targetAddress: '10.0.0.50',
    });
  });

  test('who has the address, and who probes for it too, is in conflict', () => {
    const from = (senderMac: string, senderAddress: string, isRequest = false) =>
      isConflict({ isRequest, senderMac, senderAddress, targetAddress: '10.0.0.50' }, '02:00:00:00:00:01', '10.0.0.50');
    expect(from('02:00:00:00:00:02', '10.0.0.50')).toBe(true);
    expect(from('02:00:00:00:00:02', '0.0.0.0', true)).toBe(true);
    expect(from('02:00:00:00:00:01', '10.0.0.50')).toBe(false);
    expect(from('02:00:00:00:00:02', '10.0.0.7')).toBe(false);
    expect(from('02:00:00:00:00:02', '10.0.0.7', true)).toBe(false);
  });

  test('cut, or of another protocol: ignored', () => {
    expect(decodeArp(probe.subarray(0, 27))).toBeNull();
    expect(decodeArp(Buffer.from(probe).fill(9, 7, 8))).toBeNull();
    expect(decodeArp(Buffer.from(probe).fill(8, 5, 6))).toBeNull();
  });

  test('any bytes', () => fuzz([probe], decodeArp));
});

/** Changes a header and makes its checksum right again: it shall be refused for what was changed. */
function resum(bytes: Buffer, change: (bytes: Buffer) => void): Buffer {
  change(bytes);
  bytes.writeUInt16BE(0, 10);
  bytes.writeUInt16BE(checksum(bytes.subarray(0, Math.min(bytes.length, (bytes[0]! & 15) * 4))), 10);
  return bytes;
}
