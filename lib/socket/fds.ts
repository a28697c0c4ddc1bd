import type { Address, AddressInput } from '../address/sockaddr.js';
import { SCM_RIGHTS, SOL_SOCKET } from '../constants/socket.js';
import { intBytes } from '../core/byte-order.js';
import { checkEach, checkInteger, INT_MAX, invalidType } from '../core/validate.js';
import { CMSG_LEN } from './cmsg.js';
import type { Data } from './operations/send.js';
import type { OperationOptions, Socket } from './socket.js';

/** The kernel's SCM_MAX_FD. */
const MAX_FDS = 253;
const SIZEOF_INT = 4;

/**
 * Sends open descriptors over a unix socket with SCM_RIGHTS (unix(7)), like Python's send_fds. Yours stay open.
 * @param buffers data to send with them; a stream socket needs at least one byte
 * @param fds descriptors of this process, at most 253
 * @param flags MSG_*
 * @param address see `sendto`; default: the connected peer
 * @returns the number of bytes sent
 * @throws {IothError} EBADF (a descriptor is not open), and the errors of `sendmsg`
 */
export async function send_fds(
  socket: Pick<Socket, 'sendmsg'>,
  buffers: readonly Data[],
  fds: readonly number[],
  flags = 0,
  address?: AddressInput,
  options?: OperationOptions,
): Promise<number> {
  checkMethod(socket, 'sendmsg');
  const numbers = checkEach('fds', 'an array of descriptors', fds, (name, fd) => checkInteger(name, fd, 0, INT_MAX));
  checkInteger('fds.length', numbers.length, 1, MAX_FDS);
  return socket.sendmsg(buffers, [[SOL_SOCKET, SCM_RIGHTS, intBytes(...numbers)]], flags, address, options);
}

/**
 * Receives open descriptors from a unix socket, like Python's recv_fds. You own them and must close them; they are
 * close-on-exec. `stack.fromfd` makes a Socket from one; node:fs reads or closes one.
 * @param bufsize room for data, in bytes
 * @param maxfds the most descriptors to accept, 0 to 253; the kernel closes the rest and sets MSG_CTRUNC
 * @param flags MSG_*
 * @returns data, descriptors, MSG_* flags and sender
 * @throws {IothError} the errors of `recvmsg`
 */
export async function recv_fds(
  socket: Pick<Socket, 'recvmsg'>,
  bufsize: number,
  maxfds: number,
  flags = 0,
  options?: OperationOptions,
): Promise<[data: Buffer, fds: number[], flags: number, address: Address]> {
  checkMethod(socket, 'recvmsg');
  checkInteger('maxfds', maxfds, 0, MAX_FDS);
  // not CMSG_SPACE: its padding has room for one more descriptor
  const room = maxfds === 0 ? 0 : CMSG_LEN(maxfds * SIZEOF_INT);
  const [data, ancdata, received, address] = await socket.recvmsg(bufsize, room, flags, options);
  const rights = ancdata.filter(([level, type]) => level === SOL_SOCKET && type === SCM_RIGHTS);
  return [data, rights.flatMap(([, , bytes]) => intsOf(bytes)), received, address];
}

function intsOf(bytes: Uint8Array): number[] {
  return [...new Int32Array(Uint8Array.from(bytes).buffer, 0, Math.floor(bytes.length / SIZEOF_INT))];
}

function checkMethod(socket: unknown, method: string): void {
  const isSocket = typeof socket === 'object' && socket !== null && typeof Reflect.get(socket, method) === 'function';
  if (!isSocket) throw invalidType('socket', 'a Socket', socket);
}
