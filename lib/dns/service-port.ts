import { IothError } from '../core/errors.js';
import { checkPort, checkString } from '../core/validate.js';
import type { NameSettings } from './settings.js';

/** Protocols in search order, for a look-up that names none. */
const PROTOCOLS = ['tcp', 'udp', 'sctp', 'dccp', 'udplite', 'ddp'];

/** Returns the port of a service: getservbyname(3). */
export function servicePort(settings: NameSettings, name: string, protocol?: string): number {
  const service = checkString('service', name);
  const protocols = checkProtocol(protocol);
  const services = settings.services();
  const ports = protocols.map((one) => services.port(service, one));
  return ports.find((port) => port !== undefined) ?? notFound('getservbyname', service, protocol);
}

/** Returns the service of a port: getservbyport(3). */
export function serviceName(settings: NameSettings, port: number, protocol?: string): string {
  const number = checkPort('port', port);
  const protocols = checkProtocol(protocol);
  const services = settings.services();
  const names = protocols.map((one) => services.name(number, one));
  return names.find((name) => name !== undefined) ?? notFound('getservbyport', number, protocol);
}

function checkProtocol(protocol: unknown): readonly string[] {
  return protocol === undefined || protocol === null ? PROTOCOLS : [checkString('protocol', protocol)];
}

function notFound(syscall: string, service: string | number, protocol: string | undefined): never {
  const hint = `the services file has no ${service}${protocol ? `/${protocol}` : ''}: iothdns_setpath('services', path) sets another`;
  throw new IothError('ENOENT', { syscall, hint });
}
