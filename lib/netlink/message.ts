/**
 * rtnetlink messages as bytes: netlink(7), rtnetlink(7).
 *
 * The decoders take any bytes. A header or an attribute whose length is shorter than itself or runs past the end is an
 * {@link IothError} EBADMSG; fewer bytes at the end than a header takes are ignored, as NLMSG_OK and RTA_OK do.
 */

import { inet_ntop } from '../address/inet.js';
import { AF_INET, AF_INET6 } from '../constants/index.js';
import { IS_LITTLE_ENDIAN, viewOf } from '../core/byte-order.js';
import { IothError } from '../core/errors.js';
import { checkInteger, invalidType, invalidValue, UINT_MAX } from '../core/validate.js';

/**
 * The value of an attribute: a number is an u32, a string is UTF-8 with a NUL after it, bytes go as they are, an array
 * is nested attributes.
 */
export type AttributeValue = number | string | Uint8Array | readonly Attribute[];
/** An attribute to send: its type (IFLA_*, IFA_*, RTA_*) and its value. */
export type Attribute = readonly [tag: number, value: AttributeValue];
/** Received attributes by type, without the NLA_F_ flags. Of a repeated type the last one counts. */
export type Attributes = ReadonlyMap<number, Buffer>;

export interface MessageHeader {
  type: number;
  flags: number;
  seq: number;
}

export interface Message extends MessageHeader {
  /** What follows the header; a view of the received bytes. */
  payload: Buffer;
}

const HEADER_SIZE = 16;
const ATTRIBUTE_HEADER_SIZE = 4;
const ATTRIBUTE_MAX = 0xffff;
const TYPE_MASK = 0x3fff;

const align4 = (length: number): number => (length + 3) & ~3;

/** One message: header, fixed struct, attributes. */
export function encodeMessage(header: MessageHeader, body: Uint8Array, attributes: readonly Attribute[] = []): Buffer {
  const payload = Buffer.concat([padded(body), encodeAttributes(attributes)]);
  const bytes = Buffer.alloc(HEADER_SIZE);
  const view = viewOf(bytes);
  view.setUint32(0, HEADER_SIZE + payload.length, IS_LITTLE_ENDIAN);
  view.setUint16(4, header.type, IS_LITTLE_ENDIAN);
  view.setUint16(6, header.flags, IS_LITTLE_ENDIAN);
  view.setUint32(8, header.seq, IS_LITTLE_ENDIAN);
  return Buffer.concat([bytes, payload]);
}

/** Attributes one after the other, each at a multiple of 4. */
export function encodeAttributes(attributes: readonly Attribute[]): Buffer {
  if (!Array.isArray(attributes)) throw invalidType('attributes', 'an array of [tag, value]', attributes);
  return Buffer.concat(attributes.map(encodeAttribute));
}

function encodeAttribute(attribute: Attribute): Buffer {
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
  if (typeof value === 'number') return u32Bytes(checkInteger('attribute value', value, 0, UINT_MAX));
  if (typeof value === 'string') return Buffer.from(`${value}\0`);
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return encodeAttributes(value);
  throw invalidType('attribute value', 'a number, a string, a Uint8Array or an array of attributes', value);
}

function u32Bytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  viewOf(bytes).setUint32(0, value, IS_LITTLE_ENDIAN);
  return bytes;
}

function padded(bytes: Uint8Array): Uint8Array {
  const rest = align4(bytes.length) - bytes.length;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(rest)]);
}

/**
 * The messages of one datagram.
 * @param request what they answer: the `syscall` of the error
 * @throws {IothError} EBADMSG
 */
export function decodeMessages(bytes: Uint8Array, request: string): Message[] {
  const view = viewOf(bytes);
  const messages: Message[] = [];
  let offset = 0;
  while (bytes.length - offset >= HEADER_SIZE) {
    const length = view.getUint32(offset, IS_LITTLE_ENDIAN);
    if (length < HEADER_SIZE || length > bytes.length - offset) {
      throw malformed(request, `a message of length ${length} in ${bytes.length - offset} bytes`);
    }
    messages.push({
      type: view.getUint16(offset + 4, IS_LITTLE_ENDIAN),
      flags: view.getUint16(offset + 6, IS_LITTLE_ENDIAN),
      seq: view.getUint32(offset + 8, IS_LITTLE_ENDIAN),
      payload: subarray(bytes, offset + HEADER_SIZE, offset + length),
    });
    // not align4: its 32-bit result would be negative for a length of 2 GiB
    offset += length + ((4 - (length % 4)) % 4);
  }
  return messages;
}

/**
 * The attributes in `bytes`, as they follow a fixed struct or stand in another attribute.
 * @throws {IothError} EBADMSG
 */
export function decodeAttributes(bytes: Uint8Array, request: string): Attributes {
  const view = viewOf(bytes);
  const attributes = new Map<number, Buffer>();
  let offset = 0;
  while (bytes.length - offset >= ATTRIBUTE_HEADER_SIZE) {
    const length = view.getUint16(offset, IS_LITTLE_ENDIAN);
    if (length < ATTRIBUTE_HEADER_SIZE || length > bytes.length - offset) {
      throw malformed(request, `an attribute of length ${length} in ${bytes.length - offset} bytes`);
    }
    const type = view.getUint16(offset + 2, IS_LITTLE_ENDIAN) & TYPE_MASK;
    attributes.set(type, subarray(bytes, offset + ATTRIBUTE_HEADER_SIZE, offset + length));
    offset += align4(length);
  }
  return attributes;
}

/** The fixed struct at the start of a payload (`size` is a multiple of 4), and the attributes behind it. */
export function splitPayload(payload: Uint8Array, size: number, request: string): [DataView, Attributes] {
  if (payload.length < size) throw malformed(request, `a struct of ${payload.length} bytes where ${size} are due`);
  return [viewOf(subarray(payload, 0, size)), decodeAttributes(subarray(payload, size, payload.length), request)];
}

/** An u32 attribute; undefined where it is missing. */
export function u32Of(attribute: Uint8Array | undefined, request: string): number | undefined {
  if (!attribute) return undefined;
  if (attribute.length < 4) throw malformed(request, `an u32 of ${attribute.length} bytes`);
  return viewOf(attribute).getUint32(0, IS_LITTLE_ENDIAN);
}

/** A string attribute, up to its NUL; undefined where it is missing. */
export function stringOf(attribute: Uint8Array | undefined): string | undefined {
  if (!attribute) return undefined;
  const end = attribute.indexOf(0);
  return subarray(attribute, 0, end < 0 ? attribute.length : end).toString();
}

/** An address attribute as text; undefined where it is missing. */
export function addressOf(family: number, attribute: Uint8Array | undefined, request: string): string | undefined {
  if (!attribute) return undefined;
  const size = family === AF_INET ? 4 : family === AF_INET6 ? 16 : undefined;
  if (attribute.length !== size) throw malformed(request, `an address of ${attribute.length} bytes`);
  return inet_ntop(family, attribute);
}

/** struct ifinfomsg: 16 bytes. */
export function ifinfomsg(index = 0, flags = 0, change = 0): Buffer {
  const bytes = Buffer.alloc(16);
  const view = viewOf(bytes);
  view.setInt32(4, index, IS_LITTLE_ENDIAN);
  view.setUint32(8, flags, IS_LITTLE_ENDIAN);
  view.setUint32(12, change, IS_LITTLE_ENDIAN);
  return bytes;
}

/** struct ifaddrmsg: 8 bytes. */
export function ifaddrmsg(family: number, prefixlen = 0, flags = 0, scope = 0, index = 0): Buffer {
  return Buffer.concat([Buffer.from([family, prefixlen, flags, scope]), u32Bytes(index)]);
}

/** struct rtmsg without its tos and flags: 12 bytes. */
export function rtmsg(family: number, dst_len = 0, table = 0, protocol = 0, scope = 0, type = 0): Buffer {
  return Buffer.from([family, dst_len, 0, 0, table, protocol, scope, type, 0, 0, 0, 0]);
}

/** Bytes of the stack that are no rtnetlink. */
export function malformed(request: string, what: string): IothError {
  return new IothError('EBADMSG', { syscall: request, hint: `the stack answered ${what}` });
}

/** A view that never leaves `bytes`. */
function subarray(bytes: Uint8Array, start: number, end: number): Buffer {
  const part = bytes.subarray(start, end);
  return Buffer.from(part.buffer, part.byteOffset, part.length);
}
