import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { libioth } from '../../../ffi/ioth.js';
import { libc } from '../../../ffi/libc.js';
import { SOCK_STREAM } from '../../constants/index.js';
import { IothError } from '../../core/errors.js';
import { checkInteger, invalidType, invalidValue } from '../../core/validate.js';
import { WRITABLE } from '../../io/poll-handle.js';
import type { Operation } from '../../io/wait-queue.js';
import { WAIT } from '../../io/wait-queue.js';
import type { Descriptor } from '../descriptor.js';
import { waitOrThrow } from './errors.js';

/** A regular file: its path, an open descriptor, or Node's FileHandle. */
export type FileInput = string | URL | number | FileHandle;

/** An operation that holds a file open until it is over. */
export interface FileOperation extends Operation<number> {
  close(): void;
}

// one call reads this much from the disk at most, so that the loop goes round in between
const CHUNK = 1 << 20;

/**
 * sendfile(2) of `count` bytes (undefined: to the end) from `offset`, where the stack's sockets are the kernel's; elsewhere
 * read and send. Answers how many were sent. The file's own position stays where it is.
 */
export function sendfile(
  descriptor: Descriptor,
  type: number,
  file: FileInput,
  offset: number,
  count?: number,
): FileOperation {
  if (type !== SOCK_STREAM) throw invalidValue('socket type', 'SOCK_STREAM for sendfile', type);
  checkInteger('offset', offset, 0, Number.MAX_SAFE_INTEGER);
  if (count !== undefined) checkInteger('count', count, 1, Number.MAX_SAFE_INTEGER);
  const fd = descriptor.use('sendfile');
  const { fileFd, isOurs } = open(file);
  const end = count === undefined ? ofFile(() => fstatSync(fileFd).size) : offset + count;
  const sendChunk = descriptor.native.hasKernelSockets ? sendByKernel : sendByCopy;
  let position = offset;
  const attempt = () => {
    while (position < end) {
      const sent = sendChunk(fd, fileFd, position, Math.min(end - position, CHUNK));
      if (sent === WAIT) return WAIT;
      if (sent === 0) break;
      position += sent;
      descriptor.readiness.noteSent(sent);
    }
    return position - offset;
  };
  const close = () => {
    if (isOurs) closeSync(fileFd);
  };
  return { syscall: 'sendfile', direction: WRITABLE, attempt, close };
}

function sendByKernel(fd: number, fileFd: number, position: number, length: number): number | typeof WAIT {
  const sent = libc().sendfile(fd, fileFd, new BigInt64Array([BigInt(position)]), length);
  return sent >= 0 ? sent : waitOrThrow('sendfile');
}

function sendByCopy(fd: number, fileFd: number, position: number, length: number): number | typeof WAIT {
  const chunk = Buffer.allocUnsafe(Math.min(length, 1 << 16));
  const read = ofFile(() => readSync(fileFd, chunk, 0, chunk.length, position));
  if (read === 0) return 0;
  const sent = libioth().send(fd, chunk, read, 0);
  // so picox says that its buffer is full
  if (sent === 0) return WAIT;
  return sent > 0 ? sent : waitOrThrow('sendfile');
}

/** What the file system refuses is an IothError too. */
function ofFile<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const { errno, code, syscall, path } = cause as NodeJS.ErrnoException;
    if (errno === undefined || code === undefined) throw cause;
    throw new IothError(code, { syscall, address: path, hint: 'of the file that is to be sent', cause });
  }
}

function open(file: FileInput): { fileFd: number; isOurs: boolean } {
  if (typeof file === 'number') return { fileFd: checkInteger('file', file, 0, 0x7fffffff), isOurs: false };
  if (typeof file === 'string' || file instanceof URL)
    return { fileFd: ofFile(() => openSync(file, 'r')), isOurs: true };
  if (typeof file === 'object' && file !== null && typeof file.fd === 'number')
    return { fileFd: file.fd, isOurs: false };
  throw invalidType('file', 'a path, a file descriptor or a FileHandle', file);
}
