import { lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IothError } from './errors.js';
import { identityOf, lookAt } from './files.js';

/** The longest path, in bytes. It leaves room for a file name in the path of a unix socket. */
const MAX_PATH = 90;
/** The place to use if TMPDIR is too long. */
const SHORT_PLACE = '/tmp';
/** A stand-in for the characters that mkdtemp(3) appends to a name. */
const SUFFIX = 'XXXXXX';

/** A new directory for temporary files, and for sockets, whose paths must be short. */
export class TemporaryDirectory {
  readonly path: string;
  readonly #identity: string;

  /**
   * @param prefix the start of its name
   * @throws {IothError} ENOENT, EACCES …
   */
  constructor(prefix: string) {
    const isShort = Buffer.byteLength(join(tmpdir(), prefix + SUFFIX)) <= MAX_PATH;
    const place = isShort ? tmpdir() : SHORT_PLACE;
    try {
      this.path = mkdtempSync(join(place, prefix));
      this.#identity = identityOf(lstatSync(this.path, { bigint: true }));
    } catch (cause) {
      const { code = 'EIO' } = cause as NodeJS.ErrnoException;
      const hint = 'temporary files cannot be created there: set TMPDIR to another directory';
      throw new IothError(code, { syscall: 'mkdtemp', address: place, hint, cause });
    }
  }

  /** Removes the directory with its contents, but not another one that has replaced it. Removing twice is fine. */
  remove(): void {
    const stat = lookAt(this.path);
    if (stat && identityOf(stat) === this.#identity) rmSync(this.path, { recursive: true, force: true });
  }
}
