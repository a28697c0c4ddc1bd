import {
  AF_INET,
  AF_INET6,
  AF_PACKET,
  htons,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  PACKET_BROADCAST,
  PACKET_HOST,
  SOCK_DGRAM,
  SOCK_RAW,
  type Socket,
  type Stack,
} from 'ioth';
import { parseMac } from '../../../lib/address/mac.js';
import { useNetwork } from '../../support/network.js';

// one of the two Ethernet types for experiments: IEEE Std 802
const EXPERIMENTAL = 0x88b5;

const net = useNetwork();
let a: Stack;
let b: Stack;
beforeAll(() => {
  [a, b] = net.stacks as [Stack, Stack];
});

function icmpEcho(id: number, sequence: number): Buffer {
  const packet = Buffer.concat([Buffer.from([8, 0, 0, 0]), Buffer.alloc(4), Buffer.from('echo me')]);
  packet.writeUInt16BE(id, 4);
  packet.writeUInt16BE(sequence, 6);
  packet.writeUInt16BE(internetChecksum(packet), 2);
  return packet;
}

// RFC 1071
function internetChecksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** The first packet that `isIt` says is the one; a raw socket hears others too. */
async function receive(socket: Socket, isIt: (packet: Buffer) => boolean) {
  socket.settimeout(60);
  for (let i = 0; i < 100; i++) {
    const [packet, peer] = await socket.recvfrom(2000);
    if (isIt(packet)) return { packet, peer };
  }
  throw new Error('the packet did not come');
}

test('a raw ICMP socket pings', async () => {
  const raw = a.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  await raw.sendto(icmpEcho(0x1234, 1), ['10.0.0.2', 0]);
  // IPv4 raw sockets get the header too: raw(7)
  const { packet, peer } = await receive(raw, (bytes) => bytes[20] === 0);
  expect(peer).toMatchObject({ family: 'IPv4', address: '10.0.0.2', port: 0 });
  expect(packet.readUInt16BE(24)).toBe(0x1234);
  expect(packet.subarray(28).toString()).toBe('echo me');
  raw.close();
});

test('a raw ICMPv6 socket pings', async () => {
  const raw = a.socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  await raw.sendto(Buffer.from([128, 0, 0, 0, 0x12, 0x34, 0, 1, 0x21]), ['fd00::2', 0]);
  const { packet, peer } = await receive(raw, (bytes) => bytes[0] === 129);
  expect(peer).toMatchObject({ family: 'IPv6', address: 'fd00::2' });
  expect([...packet.subarray(4)]).toEqual([0x12, 0x34, 0, 1, 0x21]);
  raw.close();
});

test('an Ethernet frame goes from stack to stack as it is', async () => {
  const [indexA, indexB] = [a.if_nametoindex('vde0'), b.if_nametoindex('vde0')];
  const [macA, macB] = [a.linkgetaddr(indexA), b.linkgetaddr(indexB)];
  const receiver = b.socket(AF_PACKET, SOCK_RAW, htons(EXPERIMENTAL));
  receiver.bind({ ifindex: indexB, protocol: EXPERIMENTAL });
  expect(receiver.getsockname()).toMatchObject({
    family: 'Packet',
    address: macB,
    ifindex: indexB,
    protocol: EXPERIMENTAL,
  });
  const sender = a.socket(AF_PACKET, SOCK_RAW, 0);
  const frame = Buffer.concat([parseMac(macB), parseMac(macA), Buffer.from([0x88, 0xb5]), Buffer.from('hello frame')]);
  await sender.sendto(frame, { ifindex: indexA });
  const { packet, peer } = await receive(receiver, () => true);
  expect(packet.equals(frame)).toBe(true);
  expect(peer).toMatchObject({
    family: 'Packet',
    address: macA,
    ifindex: indexB,
    protocol: EXPERIMENTAL,
    pkttype: PACKET_HOST,
    hatype: 1,
  });
  sender.close();
  receiver.close();
});

test('a cooked packet socket makes the header from the address', async () => {
  const [indexA, indexB] = [a.if_nametoindex('vde0'), b.if_nametoindex('vde0')];
  const receiver = b.socket(AF_PACKET, SOCK_DGRAM, htons(EXPERIMENTAL));
  receiver.bind({ ifindex: indexB, protocol: EXPERIMENTAL });
  const sender = a.socket(AF_PACKET, SOCK_DGRAM, 0);
  await sender.sendto('payload', { ifindex: indexA, protocol: EXPERIMENTAL, address: 'ff:ff:ff:ff:ff:ff' });
  const { packet, peer } = await receive(receiver, () => true);
  expect(packet.toString()).toBe('payload');
  expect(peer.pkttype).toBe(PACKET_BROADCAST);
  await expect(sender.sendto('x', { ifindex: indexA, address: 'ff:ff' })).rejects.toMatchObject({
    code: 'ERR_INVALID_ARG_VALUE',
  });
  sender.close();
  receiver.close();
});
