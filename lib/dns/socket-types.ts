import {
  EAI_NONAME,
  EAI_SERVICE,
  EAI_SOCKTYPE,
  IPPROTO_DCCP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  SOCK_DCCP,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
} from '../constants/index.js';
import { checkPort, invalidType } from '../core/validate.js';
import type { Services } from './services.js';

/** A kind of socket that an address is given for, with the port that the service has there. */
export interface SocketType {
  type: number;
  proto: number;
  port: number;
}

interface KnownType {
  type: number;
  proto: number;
  /** Its name in services(5); none has services of another kind. */
  service: string | null;
  /** Whether it is given to one who asks for no type. */
  byDefault: boolean;
}

// glibc's table, in its order: the first that fits is taken
const KNOWN_TYPES: readonly KnownType[] = [
  { type: SOCK_STREAM, proto: IPPROTO_TCP, service: 'tcp', byDefault: true },
  { type: SOCK_DGRAM, proto: IPPROTO_UDP, service: 'udp', byDefault: true },
  { type: SOCK_DCCP, proto: IPPROTO_DCCP, service: 'dccp', byDefault: false },
  { type: SOCK_DGRAM, proto: IPPROTO_UDPLITE, service: 'udplite', byDefault: false },
  { type: SOCK_STREAM, proto: IPPROTO_SCTP, service: 'sctp', byDefault: false },
  { type: SOCK_SEQPACKET, proto: IPPROTO_SCTP, service: 'sctp', byDefault: false },
  { type: SOCK_RAW, proto: 0, service: null, byDefault: true },
];

/** A port as getaddrinfo takes it: a number, the text of one, the name of a service, or none. */
export type ServicePort = string | number | null;

/**
 * The kinds of socket for `type` and `proto` (0 is any), with the port of the service.
 * @returns EAI_SOCKTYPE, EAI_SERVICE or EAI_NONAME where there is none
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

/** The number that a port is or says; undefined for a name, and for one too big. */
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
