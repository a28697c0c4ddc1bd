import type { StackPointer } from '../../ffi/ioth.js';
import { inet_pton } from '../address/inet.js';
import { parseMac } from '../address/mac.js';
import { intBytes } from '../core/byte-order.js';
import { NLM_F_ACK, NLM_F_CREATE } from './constants.js';
import { request } from './request.js';

/** Another host on a link. */
export interface Neighbour {
  readonly family: number;
  readonly address: string;
  readonly mac: string;
}

// linux/neighbour.h
const NDA = { DST: 1, LLADDR: 2 };
const NUD_STALE = 0x04;
const NTF_EXT_LEARNED = 0x10;

/**
 * Notes the MAC of a neighbour. As for one that the kernel learned and has not used for a while, it is used, and asked for again
 * meanwhile. gc_thresh3 does not count it.
 * @throws {IothError}
 */
export function addNeighbour(stack: StackPointer, ifindex: number, { family, address, mac }: Neighbour): void {
  // struct ndmsg: family, padding; ifindex; state, flags, type
  const body = Buffer.concat([
    intBytes(0, ifindex),
    Buffer.from(Uint16Array.of(NUD_STALE).buffer),
    Buffer.of(NTF_EXT_LEARNED, 0),
  ]);
  body[0] = family;
  request(stack, 'RTM_NEWNEIGH', body, {
    flags: NLM_F_ACK | NLM_F_CREATE,
    attributes: [
      [NDA.DST, inet_pton(family, address)],
      [NDA.LLADDR, parseMac(mac)],
    ],
  });
}
