import { fstatSync } from 'node:fs';
import { libc } from '../../ffi/libc.js';
import { SO_PRIORITY, SOL_SOCKET } from '../constants/socket.js';
import { identityOf } from '../core/files.js';
import { descriptorIn } from './locator.js';

/*
 * The other end of a cable belongs to the stack or port that opens it, which may be one of another thread. So the socket itself
 * has a mark while it belongs to nobody: a priority, which has no meaning for unix sockets.
 */
const UNOPENED = 1;

/** The end of a cable that is to be opened by its locator. */
export class CableEnd {
  readonly locator: string;
  readonly #fd: number;
  readonly #identity: string;

  constructor(fd: number) {
    this.locator = `seqpacket://${fd}`;
    this.#fd = fd;
    this.#identity = identityOf(fstatSync(fd, { bigint: true }));
    setPriority(fd, UNOPENED);
  }

  /** Closes it, unless somebody opened or closed it. */
  closeUnopened(): void {
    if (priorityOf(this.#fd) !== UNOPENED) return;
    if (identityOf(fstatSync(this.#fd, { bigint: true })) === this.#identity) libc().close(this.#fd);
  }
}

/** Says that who opens a locator owns its descriptor from now on. */
export function takeCableEnd(vnl: string): void {
  const fd = descriptorIn(vnl);
  if (fd !== undefined && priorityOf(fd) === UNOPENED) setPriority(fd, 0);
}

function priorityOf(fd: number): number | undefined {
  const value = new Int32Array(1);
  const bytes = new Uint8Array(value.buffer);
  return libc().getsockopt(fd, SOL_SOCKET, SO_PRIORITY, bytes, new Uint32Array([bytes.length])) < 0
    ? undefined
    : value[0];
}

function setPriority(fd: number, priority: number): void {
  const bytes = new Uint8Array(Int32Array.of(priority).buffer);
  libc().setsockopt(fd, SOL_SOCKET, SO_PRIORITY, bytes, bytes.length);
}
