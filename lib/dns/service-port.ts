import { IothError } from '../core/errors.js';
import { checkPort, checkString } from '../core/validate.js';
import type { Services } from './services.js';

interface ServiceFiles {
  services(): Services;
}

/** Protocols in search order, for a look-up that names none. */
const PROTOCOLS = ['tcp', 'udp', 'sctp', 'dccp', 'udplite', 'ddp'];

/** Returns the port of a service: getservbyname(3). */
export function servicePort(files: ServiceFiles, name: string, protocol?: string): number {
  const service = checkString('service', name);
  const protocols = checkProtocol(protocol);
  const services = files.services();
  return firstOf(protocols, (one) => services.port(service, one)) ?? notFound('getservbyname', service, protocol);
}

/** Returns the service of a port: getservbyport(3). */
export function serviceName(files: ServiceFiles, port: number, protocol?: string): string {
  const number = checkPort('port', port);
  const protocols = checkProtocol(protocol);
  const services = files.services();
  return firstOf(protocols, (one) => services.name(number, one)) ?? notFound('getservbyport', number, protocol);
}

function checkProtocol(protocol: unknown): readonly string[] {
  return protocol === undefined || protocol === null ? PROTOCOLS : [checkString('protocol', protocol)];
}

function firstOf<T>(protocols: readonly string[], find: (protocol: string) => T | undefined): T | undefined {
  for (const protocol of protocols) {
    const found = find(protocol);
    if (found !== undefined) return found;
  }
  return undefined;
}

function notFound(syscall: string, service: string | number, protocol: string | undefined): never {
  const hint = `the services file has no ${service}${protocol ? `/${protocol}` : ''}: iothdns_setpath('services', path) sets another`;
  throw new IothError('ENOENT', { syscall, hint });
}
