import { libc } from '../../ffi/libc.js';
import {
  AF_INET6,
  SO_DOMAIN,
  SO_PROTOCOL,
  SO_TYPE,
  SOCK_CLOEXEC,
  type SOCK_DGRAM,
  SOCK_NONBLOCK,
  type SOCK_RAW,
  type SOCK_RDM,
  type SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../constants/socket.js';
import { IothError } from '../core/errors.js';
import { checkInteger, INT_MAX, invalidValue } from '../core/validate.js';
import { socketPair } from '../io/socket-pair.js';
import { close } from '../socket/adopt.js';
import { duplicate } from '../socket/duplicate.js';
import { getsockopt } from '../socket/options.js';

/** Types of sockets that listen, or are connected. */
export type StreamType = typeof SOCK_STREAM | typeof SOCK_SEQPACKET;
/** Types of sockets with datagrams or packets. */
export type DatagramType = typeof SOCK_DGRAM | typeof SOCK_RAW | typeof SOCK_RDM;

/** The stack of the sockets. */
interface MakingStack<Socket> {
  readonly hasKernelSockets: boolean;
  msocket(family: number, type: number, proto: number): number;
  socket(family: number, type: number, proto?: number, fileno?: number): Socket;
}

/** Makes two sockets that are connected to each other, as socketpair(2). */
export function socketPairOn<Socket extends Disposable>(
  stack: MakingStack<Socket>,
  family: number,
  type: number,
  proto: number,
): Socket[] {
  const plainType = checkSocketArguments(family, type, proto);
  checkDuplicates(stack, 'socketpair');
  const fds = socketPair(family, plainType, proto);
  const made: Socket[] = [];
  try {
    for (const fd of fds) made.push(socketOfCopy(stack, fd, () => [family, type, proto]));
    return made;
  } catch (error) {
    for (const socket of made) socket[Symbol.dispose]();
    throw error;
  } finally {
    for (const fd of fds) libc().close(fd);
  }
}

/** Makes a socket on a duplicate of a descriptor, as Python's fromfd. */
export function socketFrom<Socket>(
  stack: MakingStack<Socket>,
  fd: number,
  family: number | undefined,
  type: number | undefined,
  proto: number | undefined,
): Socket {
  checkInteger('fd', fd, 0, INT_MAX);
  checkDuplicates(stack, 'fromfd');
  return socketOfCopy(stack, fd, (copy) => {
    const [ownFamily, ownType, ownProto] = kindOf(copy);
    checkKind('family', family, ownFamily);
    checkKind('type', type, ownType, SOCK_NONBLOCK | SOCK_CLOEXEC);
    checkKind('proto', proto === 0 ? undefined : proto, ownProto);
    return [ownFamily, type ?? ownType, ownProto];
  });
}

/** Returns whether the stack can make an AF_INET6 socket, and prepare it. */
export function canPrepare<Socket extends Disposable>(
  stack: MakingStack<Socket>,
  prepare: (socket: Socket) => void,
): boolean {
  try {
    using socket = stack.socket(AF_INET6, SOCK_STREAM);
    prepare(socket);
    return true;
  } catch {
    return false;
  }
}

function socketOfCopy<Socket>(stack: MakingStack<Socket>, fd: number, kind: (copy: number) => SocketKind): Socket {
  const copy = duplicate(stack, fd, SOCK_STREAM);
  try {
    const [family, type, proto] = kind(copy);
    return stack.socket(family, type, proto, copy);
  } catch (error) {
    close(copy);
    throw error;
  }
}

function checkDuplicates(stack: MakingStack<unknown>, syscall: string): void {
  if (stack.hasKernelSockets) return;
  throw new IothError('ENOTSUP', {
    syscall,
    hint: 'only stacks with sockets of the kernel can do this: vdestack and kernel',
  });
}

type SocketKind = [family: number, type: number, proto: number];

/** Reads the family, type and protocol of a socket: SO_DOMAIN, SO_TYPE and SO_PROTOCOL. */
function kindOf(fd: number): SocketKind {
  return [SO_DOMAIN, SO_TYPE, SO_PROTOCOL].map((option) => {
    try {
      return getsockopt(fd, SOL_SOCKET, option) as number;
    } catch (cause) {
      const isNoSocket = cause instanceof IothError && cause.code === 'ENOTSOCK';
      throw isNoSocket ? new IothError('ENOTSOCK', { syscall: 'fromfd', cause }) : cause;
    }
  }) as SocketKind;
}

function checkKind(name: string, given: unknown, actual: number, without = 0): void {
  if (given === undefined) return;
  if ((checkInteger(name, given, 0, INT_MAX) & ~without) !== actual)
    throw invalidValue(name, `${actual}, the socket's own`, given);
}

/** Returns the type of a socket without its flags. @throws {TypeError | RangeError} for arguments that make no socket */
export function checkSocketArguments(family: unknown, type: unknown, proto: unknown): number {
  checkInteger('family', family, 0, 255);
  checkInteger('proto', proto, 0, INT_MAX);
  return checkInteger('type', type, 1, INT_MAX) & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
}
