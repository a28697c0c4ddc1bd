import { SO_TYPE, SOL_SOCKET } from '../constants/socket.js';
import { IothError } from '../core/errors.js';
import { checkInteger, INT_MAX, invalidValue } from '../core/validate.js';
import { makeNonBlocking } from '../io/open-descriptor.js';
import { closeDetached, isOfOtherStack, owned, unregisterDetached, wasClosedElsewhere } from './detached.js';
import { getsockopt } from './options.js';

/** Checks a descriptor that `socket.detach` returned and makes it ready for another Socket of `owner`. */
export function adopt(fileno: number, owner: object): number {
  checkInteger('fileno', fileno, 0, INT_MAX);
  if (wasClosedElsewhere(fileno)) throw notASocket(`descriptor ${fileno} was closed after it was detached`);
  if (owned.has(fileno)) throw ownedError('fileno', fileno);
  // it stays on the network of that stack, whose close() would not close it
  if (isOfOtherStack(fileno, owner))
    throw invalidValue('fileno', 'a descriptor that a Socket of this stack detached', fileno);
  try {
    // fails with EBADF if libioth does not know the number
    getsockopt(fileno, SOL_SOCKET, SO_TYPE);
  } catch (cause) {
    throw notASocket(`descriptor ${fileno} is not an open socket of a stack`, cause);
  }
  makeNonBlocking(fileno);
  unregisterDetached(fileno);
  return fileno;
}

/**
 * Closes a descriptor that `socket.detach` returned: ioth_close(3). If it was closed by other means, only lowers the stack's
 * count of its sockets: a file that has the number now stays open.
 * @throws {IothError} EBADF if it is not a socket of a stack
 * @throws {TypeError} ERR_INVALID_ARG_VALUE for the descriptor of a Socket: call its `close` instead
 */
export function close(fd: number): void {
  checkInteger('fd', fd, 0, INT_MAX);
  if (owned.has(fd)) throw ownedError('fd', fd);
  if (!closeDetached(fd)) {
    throw new IothError('EBADF', { syscall: 'close', hint: `descriptor ${fd} is not a socket of a stack` });
  }
}

function ownedError(name: string, fd: number): TypeError {
  return invalidValue(name, 'a descriptor that detach() returned; a Socket owns this one', fd);
}

function notASocket(hint: string, cause?: unknown): IothError {
  return new IothError('EBADF', { syscall: 'socket', hint, cause });
}
