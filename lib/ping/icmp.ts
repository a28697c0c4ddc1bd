/** ICMP echo: RFC 792, and RFC 4443, section 4. */

import { AF_INET } from '../constants/socket.js';
import { checksum } from '../core/internet-checksum.js';

/** The fields of an echo request or reply, or of the message that an error is about. */
export type Echo = NonNullable<ReturnType<typeof readEcho>>;

const HEADER_SIZE = 8;

export function echoTypes(family: number) {
  return family === AF_INET ? { request: 8, reply: 0 } : { request: 128, reply: 129 };
}

/** Makes an echo request. The kernel fills in the checksum of ICMPv6, because it knows both addresses. */
export function echoRequest(family: number, id: number, seq: number, payload: Uint8Array): Buffer {
  const message = Buffer.alloc(HEADER_SIZE + payload.length);
  message[0] = echoTypes(family).request;
  message.writeUInt16BE(id, 4);
  message.writeUInt16BE(seq, 6);
  message.set(payload, HEADER_SIZE);
  if (family === AF_INET) message.writeUInt16BE(checksum(message), 2);
  return message;
}

/** Parses an echo message. Returns undefined if it is too short. */
export function readEcho(message: Buffer) {
  if (message.length < HEADER_SIZE) return undefined;
  return {
    type: message.readUInt8(0),
    id: message.readUInt16BE(4),
    seq: message.readUInt16BE(6),
    payload: message.subarray(HEADER_SIZE),
  };
}

/** Returns the part of an IPv4 packet after its header. */
export function ipv4Payload(packet: Buffer): Buffer {
  return packet.subarray(((packet[0] ?? 0) & 0xf) * 4);
}
