import { IPPROTO_TCP, IPPROTO_UDP } from '../../constants/inet.js';
import { type Headers, u16 } from '../headers.js';
import type { DnsPlan } from './dns-pattern.js';

/** RFC 1035, 4.1.1. */
const HEADER_LENGTH = 12;
const IS_ANSWER = 0x8000;
const MAX_NAME = 255;
const MAX_LABEL = 63;
const POINTER = 0xc0;
/** The bytes of a record between its name and its data. */
const RECORD_HEADER = 10;

/** The name that was read last, in the format of a message, in small letters, without the root. */
const name = new Uint8Array(MAX_NAME);
let nameLength = 0;

/** Returns whether the payload is a DNS message that matches, whatever bytes it has. */
export function matchesDns(plan: DnsPlan, frame: Uint8Array, headers: Headers): boolean {
  const { fromPort, toPort, end } = headers;
  if (plan.ports && !plan.ports.includes(fromPort) && !plan.ports.includes(toPort)) return false;
  const start = startOf(frame, headers);
  if (start < 0 || start + HEADER_LENGTH > end) return false;
  const isAnswer = (u16(frame, start + 2) & IS_ANSWER) !== 0;
  if (plan.isAnswer !== undefined && plan.isAnswer !== isAnswer) return false;
  if (!plan.name && !plan.types) return true;
  const questions = u16(frame, start + 4);
  // an answer of mDNS repeats no question (RFC 6762, 6)
  const records = questions > 0 ? questions : u16(frame, start + 6);
  let at = start + HEADER_LENGTH;
  for (let i = 0; i < records; i++) {
    at = readName(frame, start, at, end);
    if (at < 0 || at + 4 > end) return false;
    if (isMeant(plan, u16(frame, at))) return true;
    if (questions > 0) at += 4;
    else if (at + RECORD_HEADER > end) return false;
    else at += RECORD_HEADER + u16(frame, at + 8);
  }
  return false;
}

/** Returns where the message begins; -1 if there is none, or not a whole one in a segment of TCP (RFC 1035, 4.2.2). */
function startOf(frame: Uint8Array, { protocol, payload, end, transport }: Headers): number {
  if (transport < 0) return -1;
  if (protocol === IPPROTO_UDP) return payload;
  const isWhole = protocol === IPPROTO_TCP && payload + 2 <= end && u16(frame, payload) === end - payload - 2;
  return isWhole ? payload + 2 : -1;
}

function isMeant({ name: wanted, isSuffix, types }: DnsPlan, type: number): boolean {
  if (types && !types.includes(type)) return false;
  if (!wanted) return true;
  const skipped = nameLength - wanted.length;
  // it is below the name
  if (isSuffix ? skipped <= 0 : skipped !== 0) return false;
  for (let i = 0; i < wanted.length; i++) if (name[skipped + i] !== wanted[i]) return false;
  if (!isSuffix) return true;
  // a label must begin there
  let at = 0;
  while (at < skipped) at += name[at]! + 1;
  return at === skipped;
}

/**
 * Reads a name into {@link name}.
 * @param start where the message begins, from which its pointers count
 * @returns the offset behind the name; -1 if it is not one
 */
function readName(frame: Uint8Array, start: number, offset: number, end: number): number {
  nameLength = 0;
  let behind = -1;
  let at = offset;
  for (;;) {
    if (at >= end) return -1;
    const size = frame[at]!;
    if (size === 0) return behind < 0 ? at + 1 : behind;
    if (size >= POINTER) {
      if (at + 2 > end) return -1;
      const target = start + (u16(frame, at) & 0x3fff);
      // a pointer points back, so there is an end
      if (target >= at) return -1;
      if (behind < 0) behind = at + 2;
      at = target;
    } else {
      if (size > MAX_LABEL || at + 1 + size > end || nameLength + 1 + size > MAX_NAME) return -1;
      name[nameLength++] = size;
      for (let i = 1; i <= size; i++) name[nameLength++] = small(frame[at + i]!);
      at += 1 + size;
    }
  }
}

/** Returns a letter of ASCII as a small one: names are equal then (RFC 4343). */
function small(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
