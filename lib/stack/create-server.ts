import { hostAndPort } from '../address/host-and-port.js';
import { familyOf } from '../address/ip.js';
import type { AddressInput, InetAddressInput } from '../address/sockaddr.js';
import { IPPROTO_IPV6, IPV6_V6ONLY } from '../constants/inet.js';
import { AF_INET, AF_INET6, SO_REUSEADDR, SO_REUSEPORT, SOL_SOCKET } from '../constants/socket.js';
import { IothError } from '../core/errors.js';
import { checkBoolean, checkInteger, checkOptions, INT_MAX, invalidValue } from '../core/validate.js';

/** Options of {@link Stack.create_server}. */
export interface CreateServerOptions {
  /** AF_INET or AF_INET6. Default: the family of the host, and AF_INET for ''. */
  family?: number;
  /** The maximum number of connections that wait for accept. */
  backlog?: number;
  /** True to set SO_REUSEPORT. Default false. */
  reuse_port?: boolean;
  /** True to accept IPv4 connections on an AF_INET6 socket too. Default false. */
  dualstack_ipv6?: boolean;
}

interface ServerSocket<Listener = unknown> {
  setsockopt(level: number, optname: number, value: boolean): void;
  bind(addr: AddressInput): void;
  listen(backlog?: number): Listener;
  close(): void;
}

/** Makes a TCP socket that listens, as Python's create_server. */
export function createServer<Listener>(
  makeSocket: (family: number) => ServerSocket<Listener>,
  address: InetAddressInput,
  options?: CreateServerOptions,
): Listener {
  const { host } = hostAndPort('address', address);
  const { backlog, reuse_port = false, dualstack_ipv6 = false, ...others } = checkOptions(options, OPTIONS);
  if (backlog !== undefined) checkInteger('options.backlog', backlog, 0, INT_MAX);
  const reusesPort = checkBoolean('options.reuse_port', reuse_port);
  const isDual = checkBoolean('options.dualstack_ipv6', dualstack_ipv6);
  const family = others.family ?? (isDual ? AF_INET6 : familyOf(host) || AF_INET);
  if (family !== AF_INET6 && (family !== AF_INET || isDual)) {
    throw invalidValue('options.family', isDual ? 'AF_INET6, with dualstack_ipv6' : 'AF_INET or AF_INET6', family);
  }
  const socket = makeSocket(family);
  try {
    socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, true);
    if (reusesPort) socket.setsockopt(SOL_SOCKET, SO_REUSEPORT, true);
    if (isDual) acceptIPv4(socket);
    else if (family === AF_INET6) refuseIPv4(socket);
    socket.bind(address);
    return socket.listen(backlog);
  } catch (error) {
    socket.close();
    throw error;
  }
}

const OPTIONS = ['family', 'backlog', 'reuse_port', 'dualstack_ipv6'] as const;

/** Makes an AF_INET6 socket accept IPv4 connections too. */
export function acceptIPv4(socket: Pick<ServerSocket, 'setsockopt'>): void {
  socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, false);
}

/** Makes an AF_INET6 socket refuse IPv4 connections. A stack without this option, such as picox, refuses them anyway. */
function refuseIPv4(socket: ServerSocket): void {
  try {
    socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, true);
  } catch (error) {
    if (!(error instanceof IothError) || !UNKNOWN_OPTION.includes(error.code)) throw error;
  }
}

/** The errors of stacks that do not have an option. */
const UNKNOWN_OPTION = ['EPROTONOSUPPORT', 'ENOPROTOOPT', 'EOPNOTSUPP'];
