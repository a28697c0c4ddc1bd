/** Error numbers by name, and names by number: errno(3). Numbers are positive, as in C. */

import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { ERRNO_BY_NAME } from '../../ffi/libc.js';

export const {
  EADDRINUSE,
  EAGAIN,
  EALREADY,
  EBUSY,
  EEXIST,
  EINPROGRESS,
  EINTR,
  EISCONN,
  EMFILE,
  ENFILE,
  ENODATA,
  ENXIO,
} = constants.errno;

const CODE_BY_ERRNO = new Map(
  // EWOULDBLOCK and the like are second names of a number: libuv's name wins
  Object.entries(ERRNO_BY_NAME)
    .map(([code, errno]): [number, string] => [errno, code])
    .concat([...getSystemErrorMap()].map(([errno, [code]]): [number, string] => [-errno, code])),
);

/** Returns the name of an error number: 'ECONNREFUSED' for 111. */
export function codeOf(errno: number): string {
  return CODE_BY_ERRNO.get(errno) ?? `E${errno}`;
}

/** Returns the number of an error name: 111 for 'ECONNREFUSED'; undefined for a code that the system does not have. */
export function errnoOf(code: string): number | undefined {
  const errno = ERRNO_BY_NAME[code] ?? Number(/^E(\d+)$/.exec(code)?.[1] ?? Number.NaN);
  return Number.isNaN(errno) ? undefined : errno;
}
