import { hostAndPort } from '../address/host-and-port.js';
import { familyOf } from '../address/ip.js';
import { encodeSockaddr, isNumericHost, type Sockaddr } from '../address/sockaddr.js';
import { keepSockaddr, recallSockaddr } from '../address/sockaddr-cache.js';
import { AF_INET, AF_INET6 } from '../constants/socket.js';
import { invalidValue } from '../core/validate.js';
import { type NameWait, resolveWithin } from './name-wait.js';
import type { SocketOwner } from './owner.js';

const OF_FAMILY = {
  [AF_INET]: 'an IPv4 address: for an IPv6 one make the socket with socket(AF_INET6)',
  [AF_INET6]: "an IPv6 address: for an IPv4 one make the socket with socket(AF_INET), or write it as '::ffff:10.0.0.1'",
};

/** Returns the sockaddr of the address that a call got; undefined if it contains a host name. */
export function numericDestinationOf(stack: SocketOwner, family: number, addr: unknown): Sockaddr | undefined {
  if (family !== AF_INET && family !== AF_INET6) return encode(stack, family, addr);
  const known = recallSockaddr(family, addr);
  if (known) return known;
  const parts = hostAndPort('addr', addr);
  if (!isNumericHost(family, parts.host)) return undefined;
  return recallSockaddr(family, parts) ?? keepSockaddr(family, parts, encode(stack, family, parts));
}

/** Returns the sockaddr of an address that contains a host name, once that is resolved. */
export async function namedDestinationOf(
  stack: SocketOwner,
  family: number,
  addr: unknown,
  wait: NameWait,
): Promise<Sockaddr> {
  const { host, port, flowinfo, scopeid } = hostAndPort('addr', addr);
  const address = await resolveWithin(wait, stack, family, host, port);
  return encode(stack, family, { host: address, port, flowinfo, scopeid });
}

/** Returns the sockaddr without waiting for a resolver. @throws {TypeError} for a name that only a server can resolve */
export function localDestinationOf(stack: SocketOwner, family: number, addr: unknown): Sockaddr {
  const found = numericDestinationOf(stack, family, addr);
  if (found) return found;
  const { host, port, flowinfo, scopeid } = hostAndPort('addr', addr);
  const address = stack.resolveLocally(host, family);
  if (address !== undefined) return encode(stack, family, { host: address, port, flowinfo, scopeid });
  const expected =
    familyOf(host) === 0
      ? `an address, 'localhost' or a name of the hosts file (await stack.getaddrinfo(host, port) resolves others)`
      : OF_FAMILY[family === AF_INET6 ? AF_INET6 : AF_INET];
  throw invalidValue('addr host', expected, host);
}

function encode(stack: SocketOwner, family: number, addr: unknown): Sockaddr {
  return encodeSockaddr(family, addr, (ifname) => stack.if_nametoindex(ifname));
}
