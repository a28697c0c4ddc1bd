import { lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IothError } from './errors.js';
import { identityOf, lookAt } from './file-identity.js';

/** So many bytes leave room, in the path of a unix socket, for a name in the directory. */
const MAX_PATH = 90;
/** Where TMPDIR is too long for that. */
const SHORT_PLACE = '/tmp';
/** What mkdtemp(3) puts behind a name. */
const SUFFIX = 'XXXXXX';

/** A new directory for temporary files, and for sockets, whose paths are short. */
export class TemporaryDirectory {
  readonly path: string;
  readonly #identity: string;

  /**
   * @param prefix what its name begins with
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
      const hint = 'no temporary files can be made there: TMPDIR names another directory';
      throw new IothError(code, { syscall: 'mkdtemp', address: place, hint, cause });
    }
  }

  /** Removes it with all that is in it; not what somebody put in its place. Removing twice is fine. */
  remove(): void {
    const stat = lookAt(this.path);
    if (stat && identityOf(stat) === this.#identity) rmSync(this.path, { recursive: true, force: true });
  }
}
