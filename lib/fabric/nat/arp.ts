import { ETH_P_ARP } from '../../constants/packet.js';
import type { Verdict } from '../gate.js';

const ARP_LENGTH = 42;
const [REQUEST, REPLY] = [1, 2];
/** The MAC of all addresses that the fabric itself answers for. */
const OWN_MAC = Buffer.of(2, 0, 0xc0, 0, 0, 0xc0);

/** Returns the address whose MAC a frame asks for; -1 for other frames. */
export function askedAddress(frame: Buffer, length: number): number {
  const isRequest = length >= ARP_LENGTH && frame.readUInt16BE(12) === ETH_P_ARP && frame.readUInt16BE(20) === REQUEST;
  return isRequest ? frame.readUInt32BE(38) : -1;
}

/** Turns a request for a MAC into the answer: RFC 826. */
export function answerArp(frame: Buffer): Verdict {
  const target = frame.readUInt32BE(38);
  frame.writeUInt16BE(REPLY, 20);
  frame.copy(frame, 32, 22, 32);
  OWN_MAC.copy(frame, 22);
  frame.writeUInt32BE(target, 28);
  return turnBack(frame);
}

/** Addresses a frame to its sender. */
export function turnBack(frame: Buffer): Verdict {
  frame.copy(frame, 0, 6, 12);
  OWN_MAC.copy(frame, 6);
  return 'back';
}
