import type { Address } from '../address/sockaddr.js';
import * as constants from '../constants/index.js';

const { AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX, ETH_P_ALL, IPPROTO_TCP, IPPROTO_UDP } = constants;
const { SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM } = constants;

/** Properties of a socket that `util.inspect` shows. */
export interface ShownSocket {
  readonly family: number;
  readonly type: number;
  readonly proto: number;
  /** Undefined once closed. */
  readonly fd: number | undefined;
  readonly isListening: boolean;
  readonly local: Address | undefined;
  readonly peer: Address | undefined;
}

/** Formats a socket: 'Socket <TCP 10.0.0.2:41234 -> 10.0.0.1:80, fd 26>'. */
export function socketText({ fd, isListening, local, peer, ...kind }: ShownSocket): string {
  const name = kindText(kind);
  if (fd === undefined) return `Socket <${name}, closed>`;
  const shownPeer = peer && peer.family !== 'Netlink' ? `-> ${addressText(peer)}` : undefined;
  const words = [name, local && addressText(local), shownPeer, isListening && 'listening'];
  return `Socket <${words.filter(Boolean).join(' ')}, fd ${fd}>`;
}

type Kind = Pick<ShownSocket, 'family' | 'type' | 'proto'>;

function kindText({ family, type, proto }: Kind): string {
  switch (family) {
    case AF_INET:
      return inetText(type, proto);
    case AF_INET6:
      return /^(?:TCP|UDP)$/.test(inetText(type, proto))
        ? `${inetText(type, proto)}6`
        : `IPv6 ${inetText(type, proto)}`;
    case AF_UNIX:
      return `unix ${typeText(type)}`;
    case AF_PACKET:
      return `packet ${typeText(type)}`;
    case AF_NETLINK:
      return `netlink ${nameOf('NETLINK_', proto) ?? proto}`;
    default:
      return `${nameOf('AF_', family) ?? `family ${family}`} ${typeText(type)}${proto === 0 ? '' : ` ${proto}`}`;
  }
}

function inetText(type: number, proto: number): string {
  if (type === SOCK_STREAM && (proto === 0 || proto === IPPROTO_TCP)) return 'TCP';
  if (type === SOCK_DGRAM && (proto === 0 || proto === IPPROTO_UDP)) return 'UDP';
  const protocol = nameOf('IPPROTO_', proto)?.toUpperCase() ?? String(proto);
  return `${typeText(type)} ${protocol}`;
}

const TYPES: Partial<Record<number, string>> = {
  [SOCK_STREAM]: 'stream',
  [SOCK_DGRAM]: 'dgram',
  [SOCK_RAW]: 'raw',
  [SOCK_SEQPACKET]: 'seqpacket',
};

function typeText(type: number): string {
  return TYPES[type] ?? `type ${type}`;
}

/** Returns the name of the first constant with that prefix and value, in lower case: 'route' for NETLINK_ROUTE. */
function nameOf(prefix: string, value: number): string | undefined {
  const found = Object.entries(constants).find(([name, number]) => name.startsWith(prefix) && number === value);
  return found?.[0].slice(prefix.length).toLowerCase();
}

/** Formats an address like `ss`. */
function addressText({ family, address, port, scopeid, ifindex, protocol, pid, groups }: Address): string {
  switch (family) {
    case 'IPv4':
      return `${address}:${port}`;
    case 'IPv6':
      return `[${address}${scopeid ? `%${scopeid}` : ''}]:${port}`;
    case 'Unix':
      return address.startsWith('\0') ? `@${address.slice(1)}` : address;
    case 'Packet':
      return `${ifindex ? `interface ${ifindex}` : 'all interfaces'}, ${etherText(protocol ?? 0)}`;
    case 'Netlink':
      return `pid ${pid}${groups ? ` groups 0x${groups.toString(16)}` : ''}`;
  }
}

function etherText(protocol: number): string {
  if (protocol === 0) return 'no protocol';
  const name = protocol === ETH_P_ALL ? 'ALL' : nameOf('ETH_P_', protocol)?.toUpperCase();
  return name ?? `protocol 0x${protocol.toString(16)}`;
}
