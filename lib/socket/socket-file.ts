import { SOCK_SEQPACKET, SOCK_STREAM } from '../constants/socket.js';
import { untilAborted } from '../core/abort.js';
import { AbortError, IothError } from '../core/errors.js';
import {
  checkBytes,
  checkInteger,
  checkOptions,
  checkSignal,
  checkString,
  INT_MAX,
  invalidValue,
} from '../core/validate.js';
import type { Data } from './operations/send.js';

const ENCODINGS = ['utf8', 'utf-8', 'latin1', 'ascii'] as const;
const DEFAULT_LIMIT = 1 << 20;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Options of `socket.makefile`. */
export interface FileOptions {
  /** The text encoding: 'utf8' (the default), 'latin1' or 'ascii'. */
  encoding?: (typeof ENCODINGS)[number];
  /** The longest line in bytes, default 1 MiB. It keeps a peer that never ends its line from filling the memory. */
  limit?: number;
}

/** The members of a socket that a file uses. */
interface FileSource {
  readonly type: number;
  recv(bufsize?: number, flags?: number, options?: { signal?: AbortSignal }): Promise<Buffer>;
  sendall(data: Data, flags?: number, options?: { signal?: AbortSignal }): Promise<void>;
}

/**
 * File on a connection, for text in lines. Concurrent reads run one after the other. A read that fails (timeout, abort)
 * loses no data: the next read continues there.
 */
export class SocketFile {
  readonly #socket: FileSource;
  readonly #encoding: BufferEncoding;
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #length = 0;
  #isAtEnd = false;
  #turn: Promise<unknown> = Promise.resolve();

  /** @internal use `socket.makefile()` */
  constructor(socket: FileSource, encoding: BufferEncoding, limit: number) {
    this.#socket = socket;
    this.#encoding = encoding;
    this.#limit = limit;
  }

  /**
   * Reads the next line, without its end (`\n` or `\r\n`).
   * @returns null at the end of the stream; a last line may lack its end of line
   * @throws {IothError} EMSGSIZE for a line longer than the limit; and the errors of `socket.recv`
   */
  readline(options?: { signal?: AbortSignal }): Promise<string | null> {
    return this.#inTurn(options, () => this.#readline(options));
  }

  /**
   * Reads to the end of the stream, as text; or `size` bytes, as a Buffer. Like Python's `read`.
   * @param size how many bytes to read; the result has fewer only at the end of the stream
   * @throws the errors of `socket.recv`
   */
  read(size?: undefined, options?: { signal?: AbortSignal }): Promise<string>;
  read(size: number, options?: { signal?: AbortSignal }): Promise<Buffer>;
  async read(size?: number, options?: { signal?: AbortSignal }): Promise<string | Buffer> {
    if (size !== undefined) checkInteger('size', size, 0, INT_MAX);
    return this.#inTurn(options, async () => {
      const wanted = size ?? Number.POSITIVE_INFINITY;
      while (this.#length < wanted && (await this.#receive(options)));
      const bytes = this.#take(Math.min(wanted, this.#length));
      return size === undefined ? bytes.toString(this.#encoding) : bytes;
    });
  }

  /**
   * Sends all of `data` with the socket's `sendall`; encodes text in the file's encoding.
   * @throws the errors of `socket.sendall`
   */
  async write(data: Data, options?: { signal?: AbortSignal }): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data, this.#encoding) : checkBytes('data', data);
    return this.#socket.sendall(bytes, 0, options);
  }

  /** Iterates over the lines until the end of the stream. Leaving the loop loses no data. @throws see {@link readline} */
  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    for (;;) {
      const line = await this.readline();
      if (line === null) return;
      yield line;
    }
  }

  async #readline(options: { signal?: AbortSignal } | undefined): Promise<string | null> {
    let searched = 0;
    for (;;) {
      const end = this.#indexOfNewline(searched);
      searched = this.#length;
      // a line that is too long stays in the buffer: read() still returns it
      if ((end < 0 ? searched : end) > this.#limit) {
        const hint = `a line is longer than ${this.#limit} bytes (options.limit)`;
        throw new IothError('EMSGSIZE', { syscall: 'readline', hint });
      }
      if (end >= 0) return this.#text(this.#take(end + 1).subarray(0, end));
      if (await this.#receive(options)) continue;
      return this.#length === 0 ? null : this.#take(this.#length).toString(this.#encoding);
    }
  }

  #text(line: Buffer): string {
    const end = line[line.length - 1] === RETURN ? line.length - 1 : line.length;
    return line.toString(this.#encoding, 0, end);
  }

  /** Returns the index of the first end of line at or after `from` in the received bytes, or -1. */
  #indexOfNewline(from: number): number {
    let start = 0;
    for (const chunk of this.#chunks) {
      if (start + chunk.length > from) {
        const found = chunk.indexOf(NEWLINE, Math.max(0, from - start));
        if (found >= 0) return start + found;
      }
      start += chunk.length;
    }
    return -1;
  }

  /** Receives more bytes. Returns false at the end of the stream. */
  async #receive(options: { signal?: AbortSignal } | undefined): Promise<boolean> {
    if (this.#isAtEnd) return false;
    const chunk = await this.#socket.recv(undefined, 0, options);
    this.#isAtEnd = chunk.length === 0;
    if (this.#isAtEnd) return false;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    return true;
  }

  #take(length: number): Buffer {
    const [first] = this.#chunks;
    const all = this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks);
    this.#chunks = all.length > length ? [all.subarray(length)] : [];
    this.#length -= length;
    return all.subarray(0, length);
  }

  /** Calls `read` after the reads before it. An abort ends the wait for that; after it, the signal is that of `recv`. */
  #inTurn<T>(options: { signal?: AbortSignal } | undefined, read: () => Promise<T>): Promise<T> {
    let signal: AbortSignal | undefined;
    try {
      signal = checkSignal(checkOptions(options, ['signal']).signal);
    } catch (error) {
      return Promise.reject(error);
    }
    const before = this.#turn;
    const result = untilAborted(before, signal).then(() => {
      // what is aborted takes nothing of what was received
      if (signal?.aborted) throw new AbortError(signal.reason);
      return read();
    });
    // one that is aborted before its turn leaves the turn to those before it
    this.#turn = result.catch(() => before);
    return result;
  }
}

/** Makes the file for `socket.makefile()`. */
export function socketFile(socket: FileSource, options?: FileOptions): SocketFile {
  const { encoding = 'utf8', limit = DEFAULT_LIMIT } = checkOptions(options, ['encoding', 'limit']);
  if (!ENCODINGS.includes(checkString('options.encoding', encoding) as (typeof ENCODINGS)[number])) {
    throw invalidValue('options.encoding', `one of ${ENCODINGS.join(', ')}`, encoding);
  }
  checkInteger('options.limit', limit, 1, INT_MAX);
  if (socket.type !== SOCK_STREAM && socket.type !== SOCK_SEQPACKET) {
    throw new IothError('ENOTSUP', { syscall: 'makefile', hint: 'makefile needs a stream socket' });
  }
  return new SocketFile(socket, encoding, limit);
}
