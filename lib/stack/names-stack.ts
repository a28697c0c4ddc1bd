import { checkOptions } from '../core/validate.js';
import type { AddrInfo } from '../dns/getaddrinfo.js';
import type { NameInfoAddress } from '../dns/getnameinfo.js';
import { type HostInfo, hostByAddress, hostByName, qualifiedName } from '../dns/host-info.js';
import type { Resolver } from '../dns/resolver.js';
import { serviceName, servicePort } from '../dns/service-port.js';
import type { PathTag } from '../dns/settings.js';
import type { ServicePort } from '../dns/socket-types.js';
import type { OperationOptions } from '../socket/socket.js';
import { NetlinkStack } from './netlink-stack.js';

/** A stack's names: of hosts, from its own servers and the hosts file; of services, from the services file. */
export abstract class NamesStack extends NetlinkStack {
  /** @internal */
  protected abstract get resolver(): Resolver;

  /**
   * Returns the addresses of `host` for each type of socket, best first: getaddrinfo(3), with Python's arguments and fields.
   * @param host a name, an address, or null for the loopback (with AI_PASSIVE the any-address)
   * @param port a number, the name of a service, or null
   * @param flags AI_*
   * @throws {GaiError} `eai` is C's EAI_ number, `code` is Node's: 'ENOTFOUND', 'EAI_AGAIN' …
   */
  async getaddrinfo(
    host: string | null,
    port: ServicePort,
    family = 0,
    type = 0,
    proto = 0,
    flags = 0,
    options?: OperationOptions,
  ): Promise<AddrInfo[]> {
    const { signal } = checkOptions(options, ['signal']);
    return this.resolver.getaddrinfo(host, port, { family, type, proto, flags, signal });
  }

  /**
   * Returns the names of an address and of its port, or the numbers if they have no names: getnameinfo(3).
   * @param flags NI_*
   * @throws {GaiError} EAI_NONAME with NI_NAMEREQD
   */
  async getnameinfo(
    sockaddr: NameInfoAddress,
    flags = 0,
    options?: OperationOptions,
  ): Promise<[host: string, service: string]> {
    return this.resolver.getnameinfo(sockaddr, flags, options);
  }

  /**
   * Returns the first IPv4 address of a host: gethostbyname(3), as Python's. `getaddrinfo` gives IPv6 too.
   * @param host a name or an IPv4 address; '' is 0.0.0.0, '<broadcast>' 255.255.255.255
   * @throws {GaiError} if it has none
   */
  async gethostbyname(host: string, options?: OperationOptions): Promise<string> {
    const [, , addresses] = await hostByName(this.resolver, host, options);
    return addresses[0] as string;
  }

  /**
   * Returns the names and all IPv4 addresses of a host: gethostbyname(3), as Python's gethostbyname_ex.
   * @returns the canonical name, its other known names, and all IPv4 addresses
   * @throws {GaiError} if it has none
   */
  async gethostbyname_ex(host: string, options?: OperationOptions): Promise<HostInfo> {
    return hostByName(this.resolver, host, options);
  }

  /**
   * Returns the names of an address: gethostbyaddr(3), as Python's.
   * @param address an IPv4 or IPv6 address, or a name that is resolved first
   * @returns the canonical name, its other names in the hosts file, and the address
   * @throws {GaiError} if it has no name
   */
  async gethostbyaddr(address: string, options?: OperationOptions): Promise<HostInfo> {
    return hostByAddress(this.resolver, address, options);
  }

  /**
   * Returns the fully qualified name of a host, as Python's getfqdn: the first of its names that has a dot.
   * @param name a host; '' is this machine
   * @returns `name` itself if no better name is known
   */
  async getfqdn(name = '', options?: OperationOptions): Promise<string> {
    return qualifiedName(this.resolver, name, options);
  }

  /**
   * Returns the port of a service: getservbyname(3).
   * @param protocol 'tcp', 'udp' …; default: any
   * @throws {IothError} ENOENT if the services file does not have it
   */
  getservbyname(service: string, protocol?: string): number {
    return servicePort(this.resolver.settings, service, protocol);
  }

  /**
   * Returns the service on a port: getservbyport(3).
   * @param protocol 'tcp', 'udp' …; default: any
   * @throws {IothError} ENOENT if the services file does not have it
   */
  getservbyport(port: number, protocol?: string): string {
    return serviceName(this.resolver.settings, port, protocol);
  }

  /**
   * Changes how names are resolved from now on: iothdns_update(3).
   * @param config as `config_dns` of the constructor; null is /etc/resolv.conf
   * @throws {TypeError} ERR_INVALID_ARG_VALUE for a path that cannot be read
   */
  iothdns_update(config: string | null): void {
    this.resolver.update(config);
  }

  /**
   * Sets another file in place of /etc/hosts or /etc/services: iothdns_setpath(3).
   * @param path null restores the usual file
   */
  iothdns_setpath(file: PathTag, path: string | null): void {
    this.resolver.setPath(file, path);
  }

  /** Resolves a host name to an address, for sockets. @internal */
  async resolveHost(host: string, family: number, options?: OperationOptions): Promise<string> {
    return this.resolver.resolveHost(host, family, options);
  }

  /** Returns the address of a host name if it is known without a query to a server. @internal */
  resolveLocally(host: string, family: number): string | undefined {
    return this.resolver.resolveLocally(host, family);
  }
}
