import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { libioth } from '../../../ffi/ioth.js';
import { libc } from '../../../ffi/libc.js';
import { SOCK_STREAM } from '../../constants/socket.js';
import { IothError } from '../../core/errors.js';
import { checkInteger, INT_MAX, invalidType, invalidValue } from '../../core/validate.js';
import { WRITABLE } from '../../io/poll-handle.js';
import { type Operation, WAIT } from '../../io/wait-queue.js';
import type { Descriptor } from '../descriptor.js';
import { call } from './call.js';
import { waitOrThrow } from './errors.js';

/** Regular file: its path, an open descriptor, or Node's FileHandle. */
export type FileInput = string | URL | number | FileHandle;

/** The most bytes that one system call reads from the disk: reading blocks the event loop. */
const MAX_CHUNK = 1 << 20;

/**
 * SendFile operation: sendfile(2) of `count` bytes (undefined: to the end) from `offset`. Stacks without kernel sockets read and
 * send instead. The result is the number of bytes sent. The file's own position does not change.
 */
class SendFile implements Operation<number> {
  readonly syscall = 'sendfile';
  readonly direction = WRITABLE;
  readonly fd: number;
  readonly #descriptor: Descriptor;
  readonly #file: { readonly fileFd: number; readonly isOwn: boolean };
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
    const { fileFd } = this.#file;
    this.#end = count === undefined ? onFile(() => fstatSync(fileFd).size) : offset + count;
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
    if (this.#file.isOwn) closeSync(this.#file.fileFd);
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
    throw new IothError(code, { syscall, address: path, hint: 'an error of the file, not of the socket', cause });
  }
}

function open(file: FileInput): { fileFd: number; isOwn: boolean } {
  if (typeof file === 'number') return { fileFd: checkInteger('file', file, 0, INT_MAX), isOwn: false };
  if (typeof file === 'string' || file instanceof URL)
    return { fileFd: onFile(() => openSync(file, 'r')), isOwn: true };
  if (typeof file === 'object' && file !== null && typeof file.fd === 'number')
    return { fileFd: file.fd, isOwn: false };
  throw invalidType('file', 'a path, a file descriptor or a FileHandle', file);
}

/** The call that sends a file. */
export const SENDFILE_CALLS = {
  sendfile: call(
    ({ descriptor, type }, file: FileInput, offset: number = 0, count?: number): Operation<number> =>
      new SendFile(descriptor, type, file, offset, count),
  ),
};
