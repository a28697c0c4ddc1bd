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

/** The names of a stack: of hosts, by its own servers and the hosts file, and of services, by the services file. */
export abstract class NamesStack extends NetlinkStack {
  /** @internal */
  protected abstract get resolver(): Resolver;

  /**
   * getaddrinfo(3), with Python's arguments and fields: the addresses of `host` for each type of socket, best first.
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
   * getnameinfo(3): the names of an address and of its port; the numbers where they have none.
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
   * gethostbyname(3), as Python's: the first IPv4 address of a host. `getaddrinfo` has IPv6 too.
   * @param host a name or an IPv4 address; '' is 0.0.0.0, '<broadcast>' 255.255.255.255
   * @throws {GaiError} where it has none
   */
  async gethostbyname(host: string, options?: OperationOptions): Promise<string> {
    const [, , addresses] = await hostByName(this.resolver, host, options);
    return addresses[0] as string;
  }

  /**
   * gethostbyname(3), as Python's gethostbyname_ex.
   * @returns the canonical name, its other names that are known, and all IPv4 addresses
   * @throws {GaiError} where it has none
   */
  async gethostbyname_ex(host: string, options?: OperationOptions): Promise<HostInfo> {
    return hostByName(this.resolver, host, options);
  }

  /**
   * gethostbyaddr(3), as Python's.
   * @param address an IPv4 or IPv6 address, or a name that is resolved first
   * @returns the canonical name, its other names in the hosts file, and the address
   * @throws {GaiError} where it has no name
   */
  async gethostbyaddr(address: string, options?: OperationOptions): Promise<HostInfo> {
    return hostByAddress(this.resolver, address, options);
  }

  /**
   * The fully qualified name of a host, as Python's getfqdn: of its names the first with a dot in it.
   * @param name '' is this machine
   * @returns `name` itself where nothing more is known
   */
  async getfqdn(name = '', options?: OperationOptions): Promise<string> {
    return qualifiedName(this.resolver, name, options);
  }

  /**
   * The port of a service: getservbyname(3).
   * @param protocol 'tcp', 'udp' …; without it any
   * @throws {IothError} ENOENT where the services file has none
   */
  getservbyname(service: string, protocol?: string): number {
    return servicePort(this.resolver.settings, service, protocol);
  }

  /**
   * The service on a port: getservbyport(3).
   * @param protocol 'tcp', 'udp' …; without it any
   * @throws {IothError} ENOENT where the services file has none
   */
  getservbyport(port: number, protocol?: string): string {
    return serviceName(this.resolver.settings, port, protocol);
  }

  /**
   * iothdns_update(3): how names are resolved from now on, as `config_dns` of the constructor; null is /etc/resolv.conf.
   * @throws {TypeError} ERR_INVALID_ARG_VALUE for a path that cannot be read
   */
  iothdns_update(config: string | null): void {
    this.resolver.update(config);
  }

  /**
   * iothdns_setpath(3): another file in the place of /etc/hosts or /etc/services.
   * @param path null is the usual one again
   */
  iothdns_setpath(file: PathTag, path: string | null): void {
    this.resolver.setPath(file, path);
  }

  /** The address of a host name, for sockets. @internal */
  async resolveHost(host: string, family: number, options?: OperationOptions): Promise<string> {
    return this.resolver.resolveHost(host, family, options);
  }

  /** The address of a host name that is known without asking a server. @internal */
  resolveLocally(host: string, family: number): string | undefined {
    return this.resolver.resolveLocally(host, family);
  }
}
