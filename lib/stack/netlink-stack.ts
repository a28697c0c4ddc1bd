import type { StackPointer } from '../../ffi/ioth.js';
import { printedAs } from '../core/printed-list.js';
import { typedEmitter } from '../core/typed-emitter.js';
import * as netlink from '../netlink/index.js';
import type { StackEvents } from './events.js';
import { isVdestack } from './plugin.js';
import { interfaceName } from './vnl.js';

/** Options of {@link Stack.ipaddr_add}. */
export type AddressOptions = netlink.AddressOptions;
/** An interface: its index or its name. */
export type InterfaceRef = netlink.InterfaceRef;

/**
 * The interfaces, addresses and routes of a stack: the functions of nlinline(3) as methods. They speak rtnetlink(7).
 *
 * If the stack refuses a request, the error is an {@link IothError} with its errno and, if the stack gave one, its explanation.
 * Besides the errors of each method there are ETIMEDOUT (no reply in 2 s), EBADMSG (the reply is not rtnetlink), EPERM, EBADF
 * (the stack is closed) and ERR_STACK_DEAD. A wrong argument is a TypeError or RangeError that names it.
 *
 * Existing interfaces are given by index, as in C, or by name.
 */
export abstract class NetlinkStack extends typedEmitter<StackEvents>() {
  abstract readonly name: string;
  abstract readonly vnl: readonly string[];

  /** Returns the `struct ioth *`, for a call of C that `syscall` names in errors. @internal */
  abstract pointer(syscall: string): StackPointer;

  /**
   * Returns the index of an interface: if_nametoindex(3), ioth_if_nametoindex(3).
   * @throws {IothError} ENODEV if no interface has the name
   */
  if_nametoindex(ifname: string): number {
    return netlink.if_nametoindex(this.pointer('if_nametoindex'), ifname);
  }

  /**
   * Returns the name of an interface: if_indextoname(3).
   * @throws {IothError} ENODEV if no interface has the index
   */
  if_indextoname(ifindex: number): string {
    return netlink.if_indextoname(this.pointer('if_indextoname'), ifindex);
  }

  /**
   * Lists the interfaces, by index: if_nameindex(3).
   * @returns the index and the name of each
   * @throws {IothError} EAGAIN if the configuration keeps changing while it is read
   */
  if_nameindex(): [ifindex: number, ifname: string][] {
    return netlink.if_nameindex(this.pointer('if_nameindex'));
  }

  /**
   * Lists interfaces and their addresses as getifaddrs(3) does.
   * @returns one entry of family 'Packet' per interface, then one entry per address
   * @throws {IothError} EAGAIN as {@link if_nameindex}
   */
  getifaddrs(): netlink.IfAddrs[] {
    return netlink.getifaddrs(this.pointer('getifaddrs'));
  }

  /**
   * Lists every interface with its addresses, by index: dumps of RTM_GETLINK and RTM_GETADDR. util.inspect, console.log and the
   * REPL print the list as `ip -br addr` does.
   * @throws {IothError} EAGAIN as {@link if_nameindex}
   */
  interfaces(): netlink.Interface[] {
    return printedAs(netlink.interfaces(this.pointer('interfaces')), netlink.interfaceLines);
  }

  /** Returns the interface with this index, without its addresses. @internal */
  link(ifindex: number): netlink.Link | undefined {
    return netlink.findLink(this.pointer('link'), ifindex);
  }

  /** Returns the addresses of one interface. @internal */
  addressesOf(ifindex: number): netlink.StackAddress[] {
    return netlink.addresses(this.pointer('addressesOf'), ifindex);
  }

  /**
   * Lists the unicast routes of the main table: a dump of RTM_GETROUTE. A route with several gateways gives several entries.
   * util.inspect prints the list as ip-route(8) does.
   * @param family AF_INET or AF_INET6; default: both, IPv4 first
   * @param options `all`: the routes of every table and type
   * @throws {IothError} EAGAIN as {@link if_nameindex}
   */
  routes(family?: number, options?: { all?: boolean }): netlink.Route[] {
    return printedAs(netlink.routes(this.pointer('routes'), family, options), netlink.routeLines);
  }

  /**
   * Brings an interface up or takes it down: ioth_linksetupdown(3).
   * @throws {IothError} ENODEV
   */
  linksetupdown(ifindex: InterfaceRef, up: boolean | 0 | 1): void {
    netlink.linksetupdown(this.pointer('linksetupdown'), ifindex, up);
  }

  /**
   * Returns the MAC address of an interface: ioth_linkgetaddr(3).
   * @returns its text, '80:00:42:0e:e7:3a'
   * @throws {IothError} ENODEV; ENOENT if the interface has none
   */
  linkgetaddr(ifindex: InterfaceRef): string {
    return netlink.linkgetaddr(this.pointer('linkgetaddr'), ifindex);
  }

  /**
   * Sets the MAC address of an interface: ioth_linksetaddr(3).
   * @param mac '80:00:42:0e:e7:3a' or its 6 bytes
   * @throws {IothError} ENODEV; EADDRNOTAVAIL for a multicast address
   */
  linksetaddr(ifindex: InterfaceRef, mac: string | Uint8Array): void {
    netlink.linksetaddr(this.pointer('linksetaddr'), ifindex, mac);
  }

  /**
   * Sets the MTU of an interface: linksetmtu of nlinline(3). On picox this also removes its IPv4 addresses.
   * @param mtu in bytes, 68 or more; at most 9220 on an interface that joined a VDE network, which carries no longer frames
   * @throws {IothError} ENODEV; EINVAL if the interface cannot have this MTU
   */
  linksetmtu(ifindex: InterfaceRef, mtu: number): void {
    netlink.linksetmtu(this.pointer('linksetmtu'), ifindex, mtu, this.vnl.map(interfaceName));
  }

  /**
   * Adds a link: ioth_iplink_add(3).
   * @param ifindex its index; -1 or 0 for any
   * @param type its kind: 'bridge', 'veth' … The stack, or the machine's kernel, decides which kinds exist
   * @param data the attributes of IFLA_INFO_DATA, which depend on the kind: [tag, value] with the tags of the kernel's headers. A
   *   number is an u32, a string gets a NUL after it, bytes are sent unchanged, an array is nested attributes
   * @param ifname its name, at most 15 bytes; default: the first free name of the kind, 'bridge0'
   * @returns its index
   * @throws {IothError} ENOTSUP for an unknown kind; EEXIST or EBUSY for a name or an index in use
   */
  iplink_add(ifindex: number, type: string, data?: readonly netlink.Attribute[], ifname?: string): number {
    return netlink.iplink_add(this.pointer('iplink_add'), ifindex, type, data, ifname);
  }

  /**
   * Adds an interface that joins a network: ioth_iplink_add(3) of kind 'vde', on stacks that have it (picox).
   * @param ifindex its index; -1 or 0 for any
   * @param vnl the network, a virtual network locator of vde_open(3)
   * @param ifname its name; default: 'vde' and a number
   * @returns its index
   * @throws {IothError} ENOTSUP on other stacks; EEXIST or EBUSY for a name or an index in use
   */
  iplink_add_vde(ifindex: number, vnl: string, ifname?: string): number {
    return netlink.iplink_add_vde(this.pointer('iplink_add_vde'), ifindex, vnl, ifname);
  }

  /**
   * Deletes a link: ioth_iplink_del(3).
   * @param link its name, its index, or an object with either; if an object has both, the index counts
   * @throws {IothError} ENODEV; ENOTSUP for a link that cannot be deleted; EBUSY for an interface that joins a network of a
   *   vdestack
   */
  iplink_del(link: { ifname?: string; ifindex?: number } | InterfaceRef): void {
    const own = isVdestack(this.name) ? this.vnl.map(interfaceName) : [];
    netlink.iplink_del(this.pointer('iplink_del'), link, own);
  }

  /**
   * Adds an address to an interface: ioth_ipaddr_add(3). The address may be one string as in ip-address(8), '10.0.0.1/24'. An
   * IPv6 address can be bound at once: no duplicate address detection runs unless `options.dad` asks for it.
   * @param family AF_INET or AF_INET6
   * @param prefixlen bits of the network: 0 to 32 or 128
   * @throws {IothError} EEXIST if the interface has it; ENODEV; ENXIO or EINVAL if the interface has no IPv6
   */
  ipaddr_add(family: number, addr: string, prefixlen: number, ifindex: InterfaceRef, options?: AddressOptions): void;
  ipaddr_add(addr: string, ifindex: InterfaceRef, options?: AddressOptions): void;
  ipaddr_add(...args: netlink.AddAddressArguments): void {
    netlink.ipaddr_add(this.pointer('ipaddr_add'), ...args);
  }

  /**
   * Removes an address from an interface: ioth_ipaddr_del(3). Arguments as {@link ipaddr_add}.
   * @throws {IothError} EADDRNOTAVAIL (picox: ENODEV) if the interface does not have it; ENODEV
   */
  ipaddr_del(family: number, addr: string, prefixlen: number, ifindex: InterfaceRef): void;
  ipaddr_del(addr: string, ifindex: InterfaceRef): void;
  ipaddr_del(...args: netlink.DelAddressArguments): void {
    netlink.ipaddr_del(this.pointer('ipaddr_del'), ...args);
  }

  /**
   * Adds a route to the main table: ioth_iproute_add(3), with the gateway first. The route may be one string as in ip-route(8),
   * 'default via 10.0.0.254' or '10.2.0.0/16 via 10.0.0.254 dev vde0 metric 5': a destination, then any of via, dev, metric, src,
   * proto, scope, pref and onlink.
   * @param family AF_INET or AF_INET6
   * @param gw the gateway, a link-local one with `ifindex`; null if the network is on the link of `ifindex` itself
   * @param dst the network; null or missing for the default route
   * @param dst_prefixlen bits of the network: 0 to 32 or 128
   * @param ifindex the interface; if 0 or missing, the gateway decides
   * @throws {IothError} EEXIST; ENETUNREACH or EHOSTUNREACH if no address of the stack reaches the gateway; ENODEV
   * @throws {TypeError} ERR_INVALID_ARG_VALUE for an unknown word
   */
  iproute_add(
    family: number,
    gw: string | null,
    dst?: string | null,
    dst_prefixlen?: number,
    ifindex?: InterfaceRef,
  ): void;
  iproute_add(route: string): void;
  iproute_add(...args: netlink.RouteArguments): void {
    netlink.iproute_add(this.pointer('iproute_add'), ...args);
  }

  /**
   * Deletes a route of the main table, even one that another program made: ioth_iproute_del(3). Arguments as {@link iproute_add}.
   * `gw` null matches any gateway, except on picox. A word missing from a string matches anything.
   * @throws {IothError} ESRCH (picox: ENODEV or ENOENT) if there is no such route
   */
  iproute_del(
    family: number,
    gw: string | null,
    dst?: string | null,
    dst_prefixlen?: number,
    ifindex?: InterfaceRef,
  ): void;
  iproute_del(route: string): void;
  iproute_del(...args: netlink.RouteArguments): void {
    netlink.iproute_del(this.pointer('iproute_del'), ...args);
  }
}
