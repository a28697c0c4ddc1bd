import { IPPROTO_DCCP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE } from '../constants/inet.js';
import { EAI_NONAME, EAI_SERVICE, EAI_SOCKTYPE } from '../constants/netdb.js';
import { SOCK_DCCP, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM } from '../constants/socket.js';
import { checkPort, invalidType } from '../core/validate.js';
import type { Services } from './services.js';

/** Kind of socket of a result, with the port of the service for it. */
export interface SocketType extends Pick<KnownType, 'type' | 'proto'> {
  port: number;
}

interface KnownType {
  type: number;
  proto: number;
  /** Its protocol in services(5); null if it has no named services. */
  service: string | null;
  /** True if it is returned when no type is requested. */
  byDefault: boolean;
}

// glibc's table, in its order: the first match wins
const KNOWN_TYPES: readonly KnownType[] = [
  { type: SOCK_STREAM, proto: IPPROTO_TCP, service: 'tcp', byDefault: true },
  { type: SOCK_DGRAM, proto: IPPROTO_UDP, service: 'udp', byDefault: true },
  { type: SOCK_DCCP, proto: IPPROTO_DCCP, service: 'dccp', byDefault: false },
  { type: SOCK_DGRAM, proto: IPPROTO_UDPLITE, service: 'udplite', byDefault: false },
  { type: SOCK_STREAM, proto: IPPROTO_SCTP, service: 'sctp', byDefault: false },
  { type: SOCK_SEQPACKET, proto: IPPROTO_SCTP, service: 'sctp', byDefault: false },
  { type: SOCK_RAW, proto: 0, service: null, byDefault: true },
];

/** Port argument of getaddrinfo: a number, a numeric string, the name of a service, or null. */
export type ServicePort = string | number | null;

/**
 * Returns the kinds of socket for `type` and `proto` (0 means any), with the port of the service.
 * @returns EAI_SOCKTYPE, EAI_SERVICE or EAI_NONAME if there is none
 */
export function socketTypes(
  port: ServicePort,
  type: number,
  proto: number,
  isNumeric: boolean,
  services: () => Services,
): SocketType[] | number {
  const number = portNumber(port);
  if (number === undefined && isNumeric) return EAI_NONAME;
  const portOf = ({ service }: KnownType): number | undefined =>
    number ?? (service === null ? undefined : services().port(String(port), service));
  if (type === 0 && proto === 0) {
    const found = KNOWN_TYPES.filter(({ byDefault }) => byDefault).flatMap((known): SocketType[] => {
      const at = portOf(known);
      return at === undefined ? [] : [{ type: known.type, proto: known.proto, port: at }];
    });
    return found.length > 0 ? found : EAI_SERVICE;
  }
  const known = KNOWN_TYPES.find((one) => fits(one, type, proto));
  if (!known) return EAI_SOCKTYPE;
  if (known.service === null && port !== null) return EAI_SERVICE;
  const at = portOf(known);
  return at === undefined ? EAI_SERVICE : [{ type: known.type, proto: known.proto || proto, port: at }];
}

function fits(known: KnownType, type: number, proto: number): boolean {
  const protoFits = proto === 0 || known.service === null || proto === known.proto;
  return (type === 0 || type === known.type) && protoFits;
}

/** Returns the port number; undefined for a name and for a number above 65535 in a string. */
function portNumber(port: ServicePort): number | undefined {
  if (port === null) return 0;
  if (typeof port === 'number') return port;
  return /^\d+$/.test(port) && Number(port) <= 65535 ? Number(port) : undefined;
}

export function checkServicePort(port: unknown): ServicePort {
  if (port === null || port === undefined) return null;
  if (typeof port === 'string') return port;
  if (typeof port === 'number') return checkPort('port', port);
  throw invalidType('port', 'a number, the name of a service or null', port);
}
