import { libioth } from '../../ffi/ioth.js';
import { errno } from '../../ffi/libc.js';
import { intBytes, intOf } from '../core/byte-order.js';
import { checkBytes, checkInteger, INT_MAX, invalidType, invalidValue, UINT_MAX } from '../core/validate.js';
import { callError } from './operations/errors.js';

/** Bytes. Requests without a size in their number write less than this. */
const ROOM = 1024;
const MAX_SIZE = 65536;

/** Refused requests (numbers of asm-generic): they would interfere with this library, or their struct holds memory addresses. */
const REFUSED: Partial<Record<number, string>> = {
  21537: 'a request other than FIONBIO: settimeout sets how long operations wait; the descriptor never blocks',
  21586: 'a request other than FIOASYNC: await a call such as recv to wait for data',
  35090: 'a request other than SIOCGIFCONF, whose struct holds memory addresses: use stack.getifaddrs()',
  35142: 'a request other than SIOCETHTOOL, whose struct holds memory addresses',
};

/** Calls ioctl(2) on a copy of `arg`, a C int or the bytes of a struct. Returns the copy after the call. */
export function ioctl(fd: number, request: unknown, arg: unknown): number | Buffer {
  const code = checkInteger('request', request, 0, UINT_MAX);
  const refusal = REFUSED[code];
  if (refusal !== undefined) throw invalidValue('request', refusal, request);
  const given = typeof arg === 'number' ? intBytes(checkInteger('arg', arg, -INT_MAX - 1, INT_MAX)) : structOf(arg);
  // _IOC() encodes the size in newer requests
  const encodedSize = (code >>> 16) & 0x3fff;
  const bytes = Buffer.alloc(Math.max(ROOM, given.byteLength, encodedSize));
  bytes.set(given);
  if (libioth().ioctl(fd, code, bytes) < 0) throw callError(errno(), 'ioctl');
  if (typeof arg !== 'number') return Buffer.from(bytes.subarray(0, given.byteLength));
  return intOf(bytes);
}

function structOf(arg: unknown): Uint8Array {
  if (!ArrayBuffer.isView(arg)) throw invalidType('arg', 'a C int or the bytes of a struct', arg);
  const bytes = checkBytes('arg', arg);
  if (bytes.byteLength > MAX_SIZE) throw invalidValue('arg', `at most ${MAX_SIZE} bytes`, arg);
  return bytes;
}
