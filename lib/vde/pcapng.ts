/** The file format of captures: draft-ietf-opsawg-pcapng ("PCAP Next Generation"), written little-endian. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { nanosecondsNow } from '../core/epoch.js';
import { checkBytes, checkInteger, checkOptions, invalidType, outOfRange, UINT_MAX } from '../core/validate.js';
import { ByteSink } from './byte-sink.js';

/** The options of an interface. */
export interface PcapngInterfaceOptions {
  /** A text about the interface. */
  description?: string;
  /** The number of bytes to keep of each frame; 0 (the default) keeps whole frames. */
  snaplen?: number;
  /** The link type, LINKTYPE_*; 1 (Ethernet) by default. */
  linktype?: number;
}

/** The options of a frame. */
export interface PcapngFrameOptions {
  /** The time of the frame, in nanoseconds since 1970; now by default. */
  time?: bigint;
  /** A text about the frame: why it was dropped, what was changed. */
  comment?: string;
  /** The direction, as seen from the interface. */
  direction?: 'inbound' | 'outbound';
  /** The full length of the frame in bytes, if only a part is given. */
  originalLength?: number;
}

const SECTION_HEADER = 0x0a0d0d0a;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const LINKTYPE_ETHERNET = 1;

// draft-ietf-opsawg-pcapng, 3.5 (any block), 4.1 (shb_), 4.2 (if_), 4.3 (epb_)
const OPT_COMMENT = 1;
const SHB_USERAPPL = 4;
const IF_NAME = 2;
const IF_DESCRIPTION = 3;
const IF_TSRESOL = 9;
const EPB_FLAGS = 2;
const NANOSECONDS = 9;
const DIRECTIONS = { inbound: 1, outbound: 2 } as const;

/** The most bytes of an option: its length has 16 bits. */
const MAX_OPTION_LENGTH = 0xffff;
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;

/**
 * Writes frames as a capture for Wireshark, tshark and tcpdump: interfaces by name, times in nanoseconds, comments.
 *
 * Data is gathered, and goes to the target in pieces. {@link flush} sends all of it.
 */
export class PcapngWriter {
  readonly #sink: ByteSink;
  readonly #snaplens: number[] = [];

  /**
   * @param target a stream; without one the capture stays in memory, see {@link toBuffer}
   * @throws {TypeError} for a value that is no stream
   */
  constructor(target?: Writable) {
    if (target !== undefined && typeof (target as Partial<Writable> | null)?.write !== 'function') {
      throw invalidType('target', 'a Writable stream', target);
    }
    this.#sink = new ByteSink(target);
    this.#writeSectionHeader();
  }

  /**
   * Creates a writer to a new file. An existing file is overwritten.
   * @throws {Error} of fs.open: ENOENT, EACCES …
   */
  static async toFile(path: string | URL): Promise<PcapngWriter> {
    const stream = createWriteStream(path);
    await once(stream, 'open');
    return new PcapngWriter(stream);
  }

  /** Writes a Section Header Block (draft-ietf-opsawg-pcapng, 4.1). The length of the section is unknown: -1. */
  #writeSectionHeader(): void {
    const body = Buffer.alloc(16, 0xff);
    body.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
    body.writeUInt16LE(1, 4);
    body.writeUInt16LE(0, 6);
    this.#writeBlock(SECTION_HEADER, [body, option(SHB_USERAPPL, Buffer.from('ioth')), END_OF_OPTIONS]);
  }

  /**
   * Writes an Interface Description Block (draft-ietf-opsawg-pcapng, 4.2).
   * @param name the name that readers show
   * @returns the id of the interface for {@link writeFrame}, from 0 on
   */
  addInterface(name: string, options?: PcapngInterfaceOptions): number {
    const {
      description,
      snaplen = 0,
      linktype = LINKTYPE_ETHERNET,
    } = checkOptions(options, ['description', 'snaplen', 'linktype']);
    const body = Buffer.alloc(8);
    body.writeUInt16LE(checkInteger('options.linktype', linktype, 0, 0xffff), 0);
    checkInteger('options.snaplen', snaplen, 0, UINT_MAX);
    // SnapLen stays 0, "no limit": libpcap refuses a capture whose interfaces have different ones
    const said =
      description === undefined ? [] : [option(IF_DESCRIPTION, optionText('options.description', description))];
    const resolution = option(IF_TSRESOL, Buffer.of(NANOSECONDS));
    const ifname = option(IF_NAME, optionText('name', name));
    this.#writeBlock(INTERFACE_DESCRIPTION, [body, ifname, ...said, resolution, END_OF_OPTIONS]);
    return this.#snaplens.push(snaplen) - 1;
  }

  /**
   * Writes an Enhanced Packet Block (draft-ietf-opsawg-pcapng, 4.3).
   * @param interfaceId the result of {@link addInterface}
   * @param frame the frame, or its first part
   */
  writeFrame(interfaceId: number, frame: NodeJS.ArrayBufferView, options?: PcapngFrameOptions): void {
    const snaplen = this.#snaplens[checkInteger('interfaceId', interfaceId, 0, this.#snaplens.length - 1)] || UINT_MAX;
    const bytes = checkBytes('frame', frame);
    const { time, comment, direction, originalLength } = checkOptions(options, [
      'time',
      'comment',
      'direction',
      'originalLength',
    ]);
    const kept = Math.min(bytes.byteLength, snaplen);
    const original = checkInteger(
      'options.originalLength',
      originalLength ?? bytes.byteLength,
      bytes.byteLength,
      UINT_MAX,
    );
    const said: Buffer[] = [];
    if (comment !== undefined) said.push(option(OPT_COMMENT, optionText('options.comment', comment)));
    if (direction !== undefined) said.push(flagsOption(direction));
    if (said.length > 0) said.push(END_OF_OPTIONS);
    const saidLength = said.reduce((sum, { length }) => sum + length, 0);
    const total = 32 + padded(kept) + saidLength;
    const stamp = checkTime(time);
    const { chunk, at } = this.#sink.reserve(total);
    chunk.writeUInt32LE(ENHANCED_PACKET, at);
    chunk.writeUInt32LE(total, at + 4);
    chunk.writeUInt32LE(interfaceId, at + 8);
    chunk.writeUInt32LE(Number(stamp >> 32n), at + 12);
    chunk.writeUInt32LE(Number(stamp & 0xffffffffn), at + 16);
    chunk.writeUInt32LE(kept, at + 20);
    chunk.writeUInt32LE(original, at + 24);
    chunk.set(kept === bytes.byteLength ? bytes : bytes.subarray(0, kept), at + 28);
    chunk.fill(0, at + 28 + kept, at + 28 + padded(kept));
    let end = at + 28 + padded(kept);
    for (const bytes of said) end += bytes.copy(chunk, end);
    chunk.writeUInt32LE(total, end);
  }

  /**
   * Sends all data to the target, and waits until it accepts more.
   * @throws {Error} of the stream
   */
  flush(): Promise<void> {
    return this.#sink.flush();
  }

  /** Flushes, but once `stopping` is aborted waits only five seconds for a target that accepts no data. @internal */
  flushUntil(stopping: AbortSignal): Promise<void> {
    return this.#sink.flush(stopping);
  }

  /**
   * Sends all data to the target, and ends the stream. A stream that accepts no data for five seconds is destroyed. Ending twice
   * is fine.
   * @throws {Error} of the stream; {IothError} ETIMEDOUT
   */
  end(): Promise<void> {
    return this.#sink.end();
  }

  /** Returns the capture so far, if it is in memory; an empty Buffer if it goes to a stream. */
  toBuffer(): Buffer {
    return this.#sink.toBuffer();
  }

  /** Writes a block (draft-ietf-opsawg-pcapng, 3.1): its type, and its length at both ends. */
  #writeBlock(type: number, parts: readonly Buffer[]): void {
    const total = 12 + parts.reduce((sum, { length }) => sum + length, 0);
    const { chunk, at } = this.#sink.reserve(total);
    chunk.writeUInt32LE(type, at);
    chunk.writeUInt32LE(total, at + 4);
    let end = at + 8;
    for (const part of parts) end += part.copy(chunk, end);
    chunk.writeUInt32LE(total, end);
  }
}

/** opt_endofopt (draft-ietf-opsawg-pcapng, 3.5). */
const END_OF_OPTIONS = Buffer.alloc(4);

function padded(length: number): number {
  return (length + 3) & ~3;
}

function option(code: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + padded(value.length));
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt16LE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}

function optionText(name: string, value: unknown): Buffer {
  if (typeof value !== 'string') throw invalidType(name, 'a string', value);
  const bytes = Buffer.from(value);
  if (bytes.length > MAX_OPTION_LENGTH) throw outOfRange(name, `a string of ${MAX_OPTION_LENGTH} bytes at most`, value);
  return bytes;
}

function flagsOption(direction: unknown): Buffer {
  const flags = Buffer.alloc(4);
  if (direction !== 'inbound' && direction !== 'outbound') {
    throw invalidType('options.direction', "'inbound' or 'outbound'", direction);
  }
  flags.writeUInt32LE(DIRECTIONS[direction]);
  return option(EPB_FLAGS, flags);
}

function checkTime(time: unknown): bigint {
  if (time === undefined) return nanosecondsNow();
  if (typeof time !== 'bigint') throw invalidType('options.time', 'a bigint of nanoseconds', time);
  if (time < 0n || time > MAX_UINT64) throw outOfRange('options.time', 'from 0 to 2^64 - 1 nanoseconds', time);
  return time;
}
