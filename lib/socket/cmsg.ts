/** Ancillary data of sendmsg and recvmsg: cmsg(3). */

import { SIZEOF_SIZE_T as WORD } from '../../ffi/libc.js';
import { IS_LITTLE_ENDIAN, viewOf } from '../core/byte-order.js';
import { checkBytes, checkEach, checkInteger, INT_MAX, invalidType } from '../core/validate.js';

/** Control message: level (SOL_SOCKET), type (SCM_RIGHTS) and data, as in Python's socket. */
export type AncillaryItem<Data extends Uint8Array = Uint8Array> = [level: number, type: number, data: Data];

// struct cmsghdr: size_t cmsg_len, int cmsg_level, int cmsg_type; headers and data are aligned to size_t
const LEVEL_AT = WORD;
const TYPE_AT = WORD + 4;
const HEADER_SIZE = aligned(WORD + 8);
const INT_MIN = -INT_MAX - 1;

/**
 * Returns the length of a control message in bytes, without the padding after it: CMSG_LEN(3).
 * @param length the length of its data, in bytes
 * @throws {TypeError | RangeError} for an invalid length
 */
export function CMSG_LEN(length: number): number {
  return HEADER_SIZE + checkInteger('length', length, 0, INT_MAX);
}

/**
 * Returns the room that a control message takes in bytes, with its padding: CMSG_SPACE(3).
 * @param length the length of its data, in bytes
 * @throws {TypeError | RangeError} for an invalid length
 */
export function CMSG_SPACE(length: number): number {
  return HEADER_SIZE + aligned(checkInteger('length', length, 0, INT_MAX));
}

/** Encodes control messages for msg_control; an empty list gives an empty Buffer. */
export function encodeAncillary(list: readonly AncillaryItem[]): Buffer {
  const items = checkItems(list);
  const bytes = Buffer.alloc(items.reduce((total, [, , data]) => total + CMSG_SPACE(data.length), 0));
  const view = viewOf(bytes);
  let start = 0;
  for (const [level, type, data] of items) {
    writeWord(view, start, CMSG_LEN(data.length));
    view.setInt32(start + LEVEL_AT, level, IS_LITTLE_ENDIAN);
    view.setInt32(start + TYPE_AT, type, IS_LITTLE_ENDIAN);
    bytes.set(data, start + HEADER_SIZE);
    start += CMSG_SPACE(data.length);
  }
  return bytes;
}

/**
 * Decodes the control messages that recvmsg left in msg_control: `bytes` must end at msg_controllen. The data are copies.
 * A truncated message gives the data that arrived; an invalid length ends the list.
 */
export function decodeAncillary(bytes: Uint8Array): AncillaryItem<Buffer>[] {
  const given = checkBytes('bytes', bytes);
  const view = viewOf(given);
  const items: AncillaryItem<Buffer>[] = [];
  let start = 0;
  while (start + HEADER_SIZE <= view.byteLength) {
    const length = readWord(view, start);
    if (length < HEADER_SIZE) break;
    const end = Math.min(start + length, view.byteLength);
    const level = view.getInt32(start + LEVEL_AT, IS_LITTLE_ENDIAN);
    const type = view.getInt32(start + TYPE_AT, IS_LITTLE_ENDIAN);
    items.push([level, type, Buffer.from(given.subarray(start + HEADER_SIZE, end))]);
    start += aligned(length);
  }
  return items;
}

/** Rounds up to a multiple of a word. Uses no bit operators: a length in untrusted bytes can exceed 32 bits. */
function aligned(length: number): number {
  return Math.ceil(length / WORD) * WORD;
}

function checkItems(list: readonly AncillaryItem[]): AncillaryItem[] {
  return checkEach('ancdata', 'an array of [level, type, data]', list, (name, item): AncillaryItem => {
    if (!Array.isArray(item) || item.length !== 3) throw invalidType(name, '[level, type, data]', item);
    const [level, type, data] = item;
    return [
      checkInteger(`${name}[0]`, level, INT_MIN, INT_MAX),
      checkInteger(`${name}[1]`, type, INT_MIN, INT_MAX),
      checkBytes(`${name}[2]`, data),
    ];
  });
}

function readWord(view: DataView, at: number): number {
  return WORD === 8 ? Number(view.getBigUint64(at, IS_LITTLE_ENDIAN)) : view.getUint32(at, IS_LITTLE_ENDIAN);
}

function writeWord(view: DataView, at: number, value: number): void {
  if (WORD === 8) view.setBigUint64(at, BigInt(value), IS_LITTLE_ENDIAN);
  else view.setUint32(at, value, IS_LITTLE_ENDIAN);
}
