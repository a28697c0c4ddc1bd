/**
 * rtnetlink messages as bytes: netlink(7), rtnetlink(7).
 *
 * The decoders accept any bytes. They throw an {@link IothError} EBADMSG of the given `syscall` for a header or an attribute
 * whose length is shorter than itself or runs past the end. At the end, fewer bytes than a header are ignored, as NLMSG_OK and
 * RTA_OK do.
 */

import { inet_ntop } from '../address/inet.js';
import { AF_INET, AF_INET6 } from '../constants/socket.js';
import { IS_LITTLE_ENDIAN, intBytes, viewOf } from '../core/byte-order.js';
import { IothError } from '../core/errors.js';
import { checkEach, checkInteger, invalidType, invalidValue, UINT_MAX } from '../core/validate.js';

/**
 * The value of an attribute: a number is a u32, a string is UTF-8 with a NUL at the end, bytes stay as they are, an array is
 * nested attributes.
 */
export type AttributeValue = number | string | Uint8Array | readonly Attribute[];
/** An attribute to send: its type (IFLA_*, IFA_*, RTA_*) and its value. */
export type Attribute = readonly [tag: number, value: AttributeValue];
/** The received attributes by type, without the NLA_F_ flags. The last one of a repeated type counts. */
export type Attributes = ReadonlyMap<number, Buffer>;

interface MessageHeader {
  type: number;
  flags: number;
  seq: number;
}

export interface Message extends MessageHeader {
  /** The bytes after the header; a view of the received bytes. */
  payload: Buffer;
}

export interface RecordKind {
  /** The name, for errors. */
  readonly name: string;
  readonly headerSize: number;
  readonly readLength: 'getUint16' | 'getUint32';
}

/** The size of a struct nlmsghdr. */
export const HEADER_SIZE = 16;
const MESSAGE: RecordKind = { name: 'a message', headerSize: HEADER_SIZE, readLength: 'getUint32' };
/** The size of a struct nlattr. */
const ATTRIBUTE_HEADER_SIZE = 4;
const ATTRIBUTE: RecordKind = { name: 'an attribute', headerSize: ATTRIBUTE_HEADER_SIZE, readLength: 'getUint16' };
const ATTRIBUTE_MAX = 0xffff;
const TYPE_MASK = 0x3fff;

/** Rounds up to a multiple of 4. Not with &, whose 32-bit result would be negative for a length of 2 GiB. */
export function align4(length: number): number {
  return Math.ceil(length / 4) * 4;
}

/** Encodes one message: header, fixed struct, attributes. */
export function encodeMessage(header: MessageHeader, body: Uint8Array, attributes: readonly Attribute[] = []): Buffer {
  const padding = Buffer.alloc(align4(body.length) - body.length);
  const bytes = Buffer.concat([Buffer.alloc(HEADER_SIZE), body, padding, encodeAttributes(attributes)]);
  const view = viewOf(bytes);
  view.setUint32(0, bytes.length, IS_LITTLE_ENDIAN);
  view.setUint16(4, header.type, IS_LITTLE_ENDIAN);
  view.setUint16(6, header.flags, IS_LITTLE_ENDIAN);
  view.setUint32(8, header.seq, IS_LITTLE_ENDIAN);
  return bytes;
}

/** Encodes attributes one after the other, each at a multiple of 4. */
export function encodeAttributes(attributes: readonly Attribute[]): Buffer {
  return Buffer.concat(checkEach('attributes', 'an array of [tag, value]', attributes, encodeAttribute));
}

function encodeAttribute(_name: string, attribute: unknown): Buffer {
  if (!Array.isArray(attribute)) throw invalidType('attribute', 'an array [tag, value]', attribute);
  const [tag, value] = attribute;
  checkInteger('attribute tag', tag, 0, 0xffff);
  const payload = valueBytes(value);
  const length = ATTRIBUTE_HEADER_SIZE + payload.length;
  if (length > ATTRIBUTE_MAX) throw invalidValue('attribute value', 'at most 65531 bytes', payload);
  const bytes = Buffer.alloc(align4(length));
  const view = viewOf(bytes);
  view.setUint16(0, length, IS_LITTLE_ENDIAN);
  view.setUint16(2, tag, IS_LITTLE_ENDIAN);
  bytes.set(payload, ATTRIBUTE_HEADER_SIZE);
  return bytes;
}

function valueBytes(value: AttributeValue): Uint8Array {
  if (typeof value === 'number') return intBytes(checkInteger('attribute value', value, 0, UINT_MAX));
  if (typeof value === 'string') return Buffer.from(`${value}\0`);
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return encodeAttributes(value);
  throw invalidType('attribute value', 'a number, a string, a Uint8Array or an array of attributes', value);
}

/** Decodes the messages of one datagram. */
export function decodeMessages(bytes: Uint8Array, syscall: string): Message[] {
  return splitRecords(bytes, MESSAGE, syscall).map((record) => {
    const view = viewOf(record);
    return {
      type: view.getUint16(4, IS_LITTLE_ENDIAN),
      flags: view.getUint16(6, IS_LITTLE_ENDIAN),
      seq: view.getUint32(8, IS_LITTLE_ENDIAN),
      payload: record.subarray(HEADER_SIZE),
    };
  });
}

/** Decodes the attributes in `bytes`, which follow a fixed struct or are nested in another attribute. */
export function decodeAttributes(bytes: Uint8Array, syscall: string): Attributes {
  return new Map(
    splitRecords(bytes, ATTRIBUTE, syscall).map((record) => [
      viewOf(record).getUint16(2, IS_LITTLE_ENDIAN) & TYPE_MASK,
      record.subarray(ATTRIBUTE_HEADER_SIZE),
    ]),
  );
}

/** Splits consecutive records. Each begins at a multiple of 4, with its length at the start of its header. */
export function splitRecords(bytes: Uint8Array, kind: RecordKind, syscall: string): Buffer[] {
  const view = viewOf(bytes);
  const records: Buffer[] = [];
  let offset = 0;
  while (bytes.length - offset >= kind.headerSize) {
    const length = view[kind.readLength](offset, IS_LITTLE_ENDIAN);
    if (length < kind.headerSize || length > bytes.length - offset) {
      throw malformed(syscall, `${kind.name} of length ${length} in ${bytes.length - offset} bytes`);
    }
    records.push(bufferOf(bytes).subarray(offset, offset + length));
    offset += align4(length);
  }
  return records;
}

/** Returns the fixed struct at the start of a payload (`size` is a multiple of 4), and the attributes after it. */
export function splitPayload(payload: Uint8Array, size: number, syscall: string): [DataView, Attributes] {
  if (payload.length < size) throw malformed(syscall, `a struct of ${payload.length} bytes where ${size} are due`);
  return [viewOf(payload.subarray(0, size)), decodeAttributes(payload.subarray(size), syscall)];
}

/** Returns the value of a u32 attribute; undefined if it is missing. */
export function u32Of(attribute: Uint8Array | undefined, syscall: string): number | undefined {
  if (!attribute) return undefined;
  if (attribute.length < 4) throw malformed(syscall, `an u32 of ${attribute.length} bytes`);
  return viewOf(attribute).getUint32(0, IS_LITTLE_ENDIAN);
}

/** Returns the value of a string attribute up to its NUL; undefined if it is missing. */
export function stringOf(attribute: Uint8Array | undefined): string | undefined {
  return attribute && bufferOf(attribute).toString().split('\0', 1)[0];
}

/** Returns the value of an address attribute as text; undefined if it is missing. */
export function addressOf(family: number, attribute: Uint8Array | undefined, syscall: string): string | undefined {
  if (!attribute) return undefined;
  const size = family === AF_INET ? 4 : family === AF_INET6 ? 16 : undefined;
  if (attribute.length !== size) throw malformed(syscall, `an address of ${attribute.length} bytes`);
  return inet_ntop(family, attribute);
}

/** Returns a struct ifinfomsg of AF_UNSPEC: 16 bytes. */
export function ifinfomsg(index = 0, flags = 0, change = 0): Buffer {
  return intBytes(0, index, flags, change);
}

/** Returns a struct ifaddrmsg: 8 bytes. */
export function ifaddrmsg(family: number, prefixlen = 0, flags = 0, scope = 0, index = 0): Buffer {
  return Buffer.concat([Buffer.from([family, prefixlen, flags, scope]), intBytes(index)]);
}

/** Returns a struct rtmsg: 12 bytes. Its tos is 0. */
export function rtmsg(family: number, dst_len = 0, table = 0, protocol = 0, scope = 0, type = 0, flags = 0): Buffer {
  return Buffer.concat([Buffer.from([family, dst_len, 0, 0, table, protocol, scope, type]), intBytes(flags)]);
}

/** Returns the error of bytes from the stack that are not rtnetlink. */
export function malformed(syscall: string, what: string): IothError {
  return new IothError('EBADMSG', { syscall, hint: `the stack sent ${what}` });
}

/** Returns a Buffer of the same memory, whose subarrays are Buffers too. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
