import { hostAndPort } from '../address/host-and-port.js';
import { familyOf, withoutZone } from '../address/ip.js';
import type { InetAddressInput } from '../address/sockaddr.js';
import { SOCK_STREAM } from '../constants/socket.js';
import { checkBoolean, checkOptions, checkSignal } from '../core/validate.js';
import type { StackInterface } from '../dns/stack-interface.js';
import { checkTimeout } from '../socket/timeouts.js';

/** Options of {@link Stack.create_connection}. */
export interface CreateConnectionOptions {
  /** The timeout of each attempt to connect, and then of the socket, in seconds; null for none. Default: getdefaulttimeout(). */
  timeout?: number | null;
  /** The local address of the connection. */
  source_address?: InetAddressInput;
  /** True to get all failures together as an AggregateError. Default false: the last failure. */
  all_errors?: boolean;
  /** Aborts the attempt. */
  signal?: AbortSignal;
}

/** Connects to the first address of a host that accepts, as Python's create_connection. */
export async function createConnection<Connection>(
  stack: StackInterface,
  address: InetAddressInput,
  options?: CreateConnectionOptions,
): Promise<Connection> {
  const { host, port, scopeid } = hostAndPort('address', address);
  const { timeout, source_address, all_errors = false, ...others } = checkOptions(options, OPTIONS);
  const seconds = timeout === undefined ? undefined : checkTimeout('options.timeout', timeout);
  const all = checkBoolean('options.all_errors', all_errors);
  const signal = checkSignal(others.signal);
  // a source address has one family, and reaches only addresses of that family
  const source = source_address === undefined ? '' : hostAndPort('options.source_address', source_address).host;
  const name = scopeid === 0 || host.includes('%') ? host : `${host}%${scopeid}`;
  const infos = await stack.getaddrinfo(name || null, port, familyOf(source), SOCK_STREAM, 0, 0, { signal });
  const failures: unknown[] = [];
  for (const { family, type, proto, sockaddr } of infos) {
    const socket = stack.socket(family, type, proto);
    try {
      if (seconds !== undefined) socket.settimeout(seconds);
      if (source_address !== undefined) socket.bind(source_address);
      await socket.connect(sockaddr, { signal });
      return socket as Connection;
    } catch (error) {
      socket.close();
      failures.push(error);
      if (signal?.aborted) break;
    }
  }
  if (all && !signal?.aborted) throw new AggregateError(failures, `no address of ${withoutZone(host)} can be reached`);
  throw failures.at(-1);
}

const OPTIONS = ['timeout', 'source_address', 'all_errors', 'signal'] as const;
