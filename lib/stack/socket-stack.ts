import { libc } from '../../ffi/libc.js';
import type { InetAddressInput } from '../address/sockaddr.js';
import {
  AF_INET6,
  AF_UNIX,
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
} from '../constants/index.js';
import { IothError } from '../core/errors.js';
import { checkInteger, INT_MAX, invalidValue } from '../core/validate.js';
import { gethostname, getprotobyname } from '../dns/host-names.js';
import { socketPair } from '../io/socket-pair.js';
import { close } from '../socket/adopt.js';
import { duplicate } from '../socket/duplicate.js';
import { getsockopt } from '../socket/options.js';
import type { Connection, DatagramSocket, ListeningSocket, Socket } from '../socket/socket.js';
import { type ConnectionOptions, createConnection } from './create-connection.js';
import { acceptIPv4, createServer, type ServerOptions } from './create-server.js';
import { NamesStack } from './names-stack.js';

/** Types of sockets that listen or connect. */
export type StreamType = typeof SOCK_STREAM | typeof SOCK_SEQPACKET;
/** Types of sockets with datagrams or packets. */
export type DatagramType = typeof SOCK_DGRAM | typeof SOCK_RAW | typeof SOCK_RDM;

/** The sockets of a stack: Python's functions that make them. */
export abstract class SocketStack extends NamesStack {
  abstract socket(family?: number, type?: StreamType, proto?: number, fileno?: number): ListeningSocket<this>;
  abstract socket(family: number, type: DatagramType, proto?: number, fileno?: number): DatagramSocket<this>;
  abstract socket(family?: number, type?: number, proto?: number, fileno?: number): Socket<this>;

  /** @internal */
  abstract msocket(family: number, type: number, proto: number): number;
  /** @internal */
  abstract get hasKernelSockets(): boolean;

  /**
   * Makes a TCP connection, as Python's create_connection. Tries the addresses of the host one after the other.
   * @param address the host and port to connect to; the host may be a name
   * @param options.timeout seconds for each address, and then for the socket; null for none (default: getdefaulttimeout())
   * @param options.source_address the local address; the host '' and the port 0 let the stack choose
   * @param options.all_errors true to get all failures together as an AggregateError
   * @returns the connected socket
   * @throws {IothError} as `socket.connect`: the error of the last address
   * @throws {GaiError} if the host has no address
   */
  async create_connection(address: InetAddressInput, options?: ConnectionOptions): Promise<Connection<this>> {
    return createConnection<Connection<this>>(this, address, options);
  }

  /**
   * Makes a TCP socket that listens, as Python's create_server, with SO_REUSEADDR.
   * @param address where to listen; the host '' is every address of the family
   * @param options.family AF_INET or AF_INET6; default: the family of the host, and AF_INET for ''
   * @param options.backlog the maximum number of connections that wait for accept; default SOMAXCONN
   * @param options.reuse_port true to set SO_REUSEPORT: several sockets may listen there
   * @param options.dualstack_ipv6 true to accept IPv4 connections on an AF_INET6 socket too, as ::ffff:10.0.0.1
   * @throws {IothError} as `socket.bind` and `socket.listen`
   */
  create_server(address: InetAddressInput, options?: ServerOptions): ListeningSocket<this> {
    return createServer<ListeningSocket<this>>((family) => this.socket(family, SOCK_STREAM), address, options);
  }

  /**
   * Makes two sockets that are connected to each other: socketpair(2). Works only if the stack's sockets are the kernel's.
   * @param family AF_UNIX, the only family that supports it on Linux
   * @throws {IothError} ENOTSUP (another family, or picox), EMFILE
   */
  socketpair(
    family: number = AF_UNIX,
    type: number = SOCK_STREAM,
    proto = 0,
  ): [socket: Connection<this>, other: Connection<this>] {
    const plainType = checkSocketArguments(family, type, proto);
    this.#checkDuplicates('socketpair');
    const fds = socketPair(family, plainType, proto);
    const made: Connection<this>[] = [];
    try {
      for (const fd of fds) made.push(this.#duplicateOf(fd, [family, type, proto]) as Connection<this>);
      return made as [Connection<this>, Connection<this>];
    } catch (error) {
      for (const socket of made) socket.close();
      throw error;
    } finally {
      for (const fd of fds) libc().close(fd);
    }
  }

  /**
   * Makes a Socket on a duplicate of a descriptor, as Python's fromfd: one from `recv_fds`, or one that other code opened. The
   * socket stays on the network on which it was made. It becomes non-blocking for all its users. Works only if the stack's
   * sockets are the kernel's.
   * @param fd stays open, and stays the caller's
   * @param family default for family, type and proto: they are read from the socket
   * @throws {IothError} EBADF, ENOTSOCK, EMFILE; ENOTSUP (picox)
   */
  fromfd(fd: number, family?: number, type?: number, proto?: number): Socket<this> {
    checkInteger('fd', fd, 0, INT_MAX);
    this.#checkDuplicates('fromfd');
    const copy = duplicate(this, fd, SOCK_STREAM);
    try {
      const [ownFamily, ownType, ownProto] = kindOf(copy);
      checkKind('family', family, ownFamily);
      checkKind('type', type, ownType, SOCK_NONBLOCK | SOCK_CLOEXEC);
      checkKind('proto', proto === 0 ? undefined : proto, ownProto);
      return this.socket(ownFamily, type ?? ownType, ownProto, copy);
    } catch (error) {
      close(copy);
      throw error;
    }
  }

  /** True if the stack has IPv6: Python's has_ipv6, for this stack. */
  get has_ipv6(): boolean {
    return this.#can(() => {});
  }

  /** Returns whether an AF_INET6 socket of the stack can accept IPv4 connections too, as Python's. */
  has_dualstack_ipv6(): boolean {
    return this.#can(acceptIPv4);
  }

  /** Returns the name of this machine: gethostname(2). The stacks of a process have no names of their own. */
  gethostname(): string {
    return gethostname();
  }

  /**
   * Returns the number of a protocol of IP: getprotobyname(3).
   * @throws {IothError} ENOENT if no protocol has the name
   */
  getprotobyname(name: string): number {
    return getprotobyname(name);
  }

  /** Returns whether an AF_INET6 socket can be made and prepared. */
  #can(prepare: (socket: Socket<this>) => void): boolean {
    try {
      using socket: Socket<this> = this.socket(AF_INET6, SOCK_STREAM);
      prepare(socket);
      return true;
    } catch {
      return false;
    }
  }

  #checkDuplicates(syscall: string): void {
    if (this.hasKernelSockets) return;
    throw new IothError('ENOTSUP', {
      syscall,
      hint: 'only stacks with sockets of the kernel can do this: vdestack and kernel',
    });
  }

  #duplicateOf(fd: number, [family, type, proto]: SocketKind): Socket<this> {
    const copy = duplicate(this, fd, SOCK_STREAM);
    try {
      return this.socket(family, type, proto, copy);
    } catch (error) {
      close(copy);
      throw error;
    }
  }
}

type SocketKind = [family: number, type: number, proto: number];

/** Reads the family, type and protocol of a socket: SO_DOMAIN, SO_TYPE and SO_PROTOCOL. */
function kindOf(fd: number): SocketKind {
  const [family, type, proto] = [SO_DOMAIN, SO_TYPE, SO_PROTOCOL].map((option) => {
    try {
      return getsockopt(fd, SOL_SOCKET, option) as number;
    } catch (cause) {
      const isNoSocket = cause instanceof IothError && cause.code === 'ENOTSOCK';
      throw isNoSocket ? new IothError('ENOTSOCK', { syscall: 'fromfd', cause }) : cause;
    }
  }) as SocketKind;
  return [family, type, proto];
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
