import { ANY4, ipBytes, ipText } from '../address/ip.js';
import { formatMac, parseMac } from '../address/mac.js';
import { ARPHRD_ETHER, ETH_P_IP } from '../constants/packet.js';
import { concat, Reader, u16 } from './bytes.js';

/** ARP packet for IPv4 over Ethernet (RFC 826), as on a packet socket of type SOCK_DGRAM: without the Ethernet header. */
export interface ArpPacket {
  isRequest: boolean;
  senderMac: string;
  senderAddress: string;
  targetAddress: string;
}

const REQUEST = 1;
const REPLY = 2;

/** Encodes a probe: asks which host has `address` without claiming it, with sender 0.0.0.0 (RFC 5227 2.1.1). */
export function encodeArpProbe(mac: string, address: string): Uint8Array {
  return concat(
    u16(ARPHRD_ETHER),
    u16(ETH_P_IP),
    Uint8Array.of(6, 4),
    u16(REQUEST),
    parseMac(mac),
    ipBytes(ANY4),
    new Uint8Array(6), // the MAC address that is asked for
    ipBytes(address),
  );
}

export function decodeArp(bytes: Uint8Array): ArpPacket | null {
  const reader = new Reader(bytes);
  if (reader.u16() !== ARPHRD_ETHER || reader.u16() !== ETH_P_IP || reader.u16() !== 0x0604) return null;
  const operation = reader.u16();
  const senderMac = reader.take(6);
  const senderAddress = reader.take(4);
  const targetMac = reader.take(6);
  const targetAddress = reader.take(4);
  if (!senderMac || !senderAddress || !targetMac || !targetAddress) return null;
  if (operation !== REQUEST && operation !== REPLY) return null;
  return {
    isRequest: operation === REQUEST,
    senderMac: formatMac(senderMac),
    senderAddress: ipText(senderAddress),
    targetAddress: ipText(targetAddress),
  };
}

/** Returns whether a packet shows that another host has `address` or is about to take it (RFC 5227 2.1.1). */
export function isConflict(packet: ArpPacket, mac: string, address: string): boolean {
  if (packet.senderMac === mac) return false;
  const isProbe = packet.isRequest && packet.senderAddress === ANY4;
  return packet.senderAddress === address || (isProbe && packet.targetAddress === address);
}
