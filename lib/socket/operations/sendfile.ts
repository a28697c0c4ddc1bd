import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { libioth } from '../../../ffi/ioth.js';
import { libc } from '../../../ffi/libc.js';
import { SOCK_STREAM } from '../../constants/socket.js';
import { IothError } from '../../core/errors.js';
import { checkInteger, INT_MAX, invalidType, invalidValue } from '../../core/validate.js';
import { duplicateOf } from '../../io/open-descriptor.js';
import { WRITABLE } from '../../io/poll-handle.js';
import { type Operation, WAIT } from '../../io/wait-queue.js';
import type { Descriptor } from '../descriptor.js';
import { call } from './call.js';
import { waitOrThrow } from './errors.js';

/** Regular file: its path, an open descriptor, or Node's FileHandle. */
export type FileInput = string | URL | number | FileHandle;

/** The most bytes that one system call reads from the disk: reading blocks the event loop. */
const MAX_CHUNK = 1 << 20;
const OF_FILE = 'an error of the file, not of the socket';

/** The file of one operation. */
interface OpenFile {
  readonly fileFd: number;
  readonly size: number;
  /** Closes what the operation opened. */
  close(): void;
}

/**
 * SendFile operation: sendfile(2) of `count` bytes (undefined: to the end) from `offset`. Stacks without kernel sockets read and
 * send instead. The result is the number of bytes sent. The file's own position does not change.
 */
class SendFile implements Operation<number> {
  readonly syscall = 'sendfile';
  readonly direction = WRITABLE;
  readonly fd: number;
  readonly #descriptor: Descriptor;
  readonly #file: OpenFile;
  readonly #start: number;
  readonly #end: number;
  #position: number;

  constructor(descriptor: Descriptor, type: number, file: FileInput, offset: number, count?: number) {
    if (type !== SOCK_STREAM) throw invalidValue('socket type', 'SOCK_STREAM for sendfile', type);
    checkInteger('offset', offset, 0, Number.MAX_SAFE_INTEGER);
    if (count !== undefined) checkInteger('count', count, 1, Number.MAX_SAFE_INTEGER);
    this.fd = descriptor.use(this.syscall);
    this.#descriptor = descriptor;
    this.#file = open(file);
    this.#end = count === undefined ? this.#file.size : offset + count;
    this.#start = offset;
    this.#position = offset;
  }

  attempt(): number | typeof WAIT {
    const sendChunk = this.#descriptor.owner.hasKernelSockets ? sendByKernel : sendByCopy;
    while (this.#position < this.#end) {
      const length = Math.min(this.#end - this.#position, MAX_CHUNK);
      const sent = sendChunk(this.fd, this.#file.fileFd, this.#position, length);
      if (sent === WAIT) return WAIT;
      if (sent === 0) break;
      this.#position += sent;
      this.#descriptor.readiness.noteSent(sent);
    }
    return this.#position - this.#start;
  }

  close(): void {
    this.#file.close();
  }
}

function sendByKernel(fd: number, fileFd: number, position: number, length: number): number | typeof WAIT {
  const sent = libc().sendfile(fd, fileFd, new BigInt64Array([BigInt(position)]), length);
  return sent >= 0 ? sent : waitOrThrow('sendfile');
}

function sendByCopy(fd: number, fileFd: number, position: number, length: number): number | typeof WAIT {
  const chunk = Buffer.allocUnsafe(Math.min(length, 1 << 16));
  const read = onFile(() => readSync(fileFd, chunk, 0, chunk.length, position));
  if (read === 0) return 0;
  const sent = libioth().send(fd, chunk, read, 0);
  // picox's buffer is full
  if (sent === 0) return WAIT;
  return sent > 0 ? sent : waitOrThrow('sendfile');
}

/** Converts errors of the file system to IothErrors. */
function onFile<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const { errno, code, syscall, path } = cause as NodeJS.ErrnoException;
    if (errno === undefined || code === undefined) throw cause;
    throw new IothError(code, { syscall, address: path, hint: OF_FILE, cause });
  }
}

function open(file: FileInput): OpenFile {
  const [fileFd, close] = descriptorOf(file);
  try {
    return { fileFd, size: sizeOf(fileFd), close };
  } catch (error) {
    close();
    throw error;
  }
}

function descriptorOf(file: FileInput): [fileFd: number, close: () => void] {
  if (typeof file === 'number') return [checkInteger('file', file, 0, INT_MAX), () => {}];
  if (typeof file === 'string' || file instanceof URL) {
    // non-blocking: a FIFO would block the thread until it has a writer
    const fileFd = onFile(() => openSync(file, constants.O_RDONLY | constants.O_NONBLOCK));
    return [fileFd, () => closeSync(fileFd)];
  }
  if (typeof file === 'object' && file !== null && typeof file.fd === 'number') {
    // if the handle is closed or collected during the wait, another file gets its number; a closed one has -1: EBADF
    const fileFd = duplicateOf(checkInteger('file.fd', file.fd, -1, INT_MAX), 'dup', { hint: OF_FILE });
    return [fileFd, () => libc().close(fileFd)];
  }
  throw invalidType('file', 'a path, a file descriptor or a FileHandle', file);
}

/** @throws {IothError} EISDIR, EINVAL if it is not a regular file */
function sizeOf(fileFd: number): number {
  const stats = onFile(() => fstatSync(fileFd));
  if (stats.isFile()) return stats.size;
  const code = stats.isDirectory() ? 'EISDIR' : 'EINVAL';
  throw new IothError(code, { syscall: 'sendfile', hint: 'only a regular file can be sent' });
}

/** The call that sends a file. */
export const SENDFILE_CALLS = {
  sendfile: call(
    ({ descriptor, type }, file: FileInput, offset: number = 0, count?: number): Operation<number> =>
      new SendFile(descriptor, type, file, offset, count),
  ),
};
