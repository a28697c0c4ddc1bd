import type { StackPointer } from '../../ffi/ioth.js';
import { printedAs } from '../core/printed-list.js';
import { typedEmitter } from '../core/typed-emitter.js';
import * as netlink from '../netlink/index.js';
import type { StackEvents } from './events.js';
import { isVdestack } from './plugin.js';
import { interfaceName } from './vnl.js';

/** Of {@link Stack.ipaddr_add}. */
export type AddressOptions = netlink.AddressOptions;
/** An interface: its index or its name. */
export type InterfaceRef = netlink.InterfaceRef;

/**
 * The interfaces, addresses and routes of a stack: the functions of nlinline(3) as methods. They speak rtnetlink(7) with
 * the stack. What it refuses is an {@link IothError} with its errno and, where it gave one, its explanation; besides the
 * errors of each method there are ETIMEDOUT (no reply in 2 s), EBADMSG (a reply that is no rtnetlink), EPERM and, of a
 * stack that is closed or dead, EBADF and ERR_STACK_DEAD. A wrong argument is a TypeError or RangeError that names it.
 * An interface that exists is given by its index, as in C, or by its name.
 */
export abstract class NetlinkStack extends typedEmitter<StackEvents>() {
  abstract readonly name: string;
  abstract readonly vnl: readonly string[];

  /** The `struct ioth *`, for a call of C that `syscall` names in errors. @internal */
  abstract pointer(syscall: string): StackPointer;

  /**
   * The index of an interface: if_nametoindex(3), ioth_if_nametoindex(3).
   * @throws {IothError} ENODEV where no interface has the name
   */
  if_nametoindex(ifname: string): number {
    return netlink.if_nametoindex(this.pointer('if_nametoindex'), ifname);
  }

  /**
   * The name of an interface: if_indextoname(3).
   * @throws {IothError} ENODEV where no interface has the index
   */
  if_indextoname(ifindex: number): string {
    return netlink.if_indextoname(this.pointer('if_indextoname'), ifindex);
  }

  /**
   * The interfaces, by index: if_nameindex(3).
   * @returns the index and the name of each
   * @throws {IothError} EAGAIN where the configuration changes again and again while it is read
   */
  if_nameindex(): [ifindex: number, ifname: string][] {
    return netlink.if_nameindex(this.pointer('if_nameindex'));
  }

  /**
   * Interfaces and their addresses as getifaddrs(3) lists them.
   * @returns an entry of family 'Packet' an interface, then an entry an address
   * @throws {IothError} EAGAIN as {@link if_nameindex}
   */
  getifaddrs(): netlink.IfAddrs[] {
    return netlink.getifaddrs(this.pointer('getifaddrs'));
  }

  /**
   * Every interface with its addresses, by index: dumps of RTM_GETLINK and RTM_GETADDR. util.inspect, and so console.log and
   * the REPL, print the list as `ip -br addr` does.
   * @throws {IothError} EAGAIN as {@link if_nameindex}
   */
  interfaces(): netlink.Interface[] {
    return printedAs(netlink.interfaces(this.pointer('interfaces')), netlink.interfaceLines);
  }

  /** The interface with this index, without its addresses. @internal */
  link(ifindex: number): netlink.Link | undefined {
    return netlink.findLink(this.pointer('link'), ifindex);
  }

  /** The addresses of one interface. @internal */
  addressesOf(ifindex: number): netlink.StackAddress[] {
    return netlink.addresses(this.pointer('addressesOf'), ifindex);
  }

  /**
   * The unicast routes of the main table: a dump of RTM_GETROUTE. A route with several gateways is several. util.inspect
   * prints the list as ip-route(8) does.
   * @param family AF_INET or AF_INET6; without it both, IPv4 first
   * @param options `all`: those of every table and type
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
   * The MAC address of an interface: ioth_linkgetaddr(3).
   * @returns its text, '80:00:42:0e:e7:3a'
   * @throws {IothError} ENODEV; ENOENT where the interface has none
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
   * Sets the MTU of an interface: linksetmtu of nlinline(3). On picox this also takes the IPv4 addresses from it.
   * @param mtu in bytes, 68 or more; at most 9220 on an interface that joined a VDE network, which carries no longer frames
   * @throws {IothError} ENODEV; EINVAL where the interface cannot have it
   */
  linksetmtu(ifindex: InterfaceRef, mtu: number): void {
    netlink.linksetmtu(this.pointer('linksetmtu'), ifindex, mtu, this.vnl.map(interfaceName));
  }

  /**
   * Adds a link: ioth_iplink_add(3).
   * @param ifindex the index that it gets; -1 or 0 for any
   * @param type its kind: 'bridge', 'veth' … The stack, or the machine's kernel, decides which there are
   * @param data the attributes of IFLA_INFO_DATA, which depend on the kind: [tag, value] with the tags of the kernel's
   *   headers; a number is an u32, a string gets a NUL after it, bytes go as they are and an array is nested attributes
   * @param ifname its name, at most 15 bytes; without it the first free one of the kind: 'bridge0'
   * @returns its index
   * @throws {IothError} ENOTSUP for a kind that there is not; EEXIST or EBUSY for a name or an index in use
   */
  iplink_add(ifindex: number, type: string, data?: readonly netlink.Attribute[], ifname?: string): number {
    return netlink.iplink_add(this.pointer('iplink_add'), ifindex, type, data, ifname);
  }

  /**
   * Adds an interface that joins a network: ioth_iplink_add(3) of kind 'vde', on stacks that have it (picox).
   * @param ifindex the index that it gets; -1 or 0 for any
   * @param vnl the network, a virtual network locator of vde_open(3)
   * @param ifname its name; without it 'vde' and a number
   * @returns its index
   * @throws {IothError} ENOTSUP of other stacks; EEXIST or EBUSY for a name or an index in use
   */
  iplink_add_vde(ifindex: number, vnl: string, ifname?: string): number {
    return netlink.iplink_add_vde(this.pointer('iplink_add_vde'), ifindex, vnl, ifname);
  }

  /**
   * Deletes a link: ioth_iplink_del(3).
   * @param link its name, its index, or both by name, where the index counts
   * @throws {IothError} ENODEV; ENOTSUP for a link that cannot be deleted; EBUSY for the interface with which a vdestack
   *   joined a network
   */
  iplink_del(link: { ifname?: string; ifindex?: number } | InterfaceRef): void {
    const own = isVdestack(this.name) ? this.vnl.map(interfaceName) : [];
    netlink.iplink_del(this.pointer('iplink_del'), link, own);
  }

  /**
   * Gives an interface an address: ioth_ipaddr_add(3), or its arguments as ip-address(8) writes them, '10.0.0.1/24'. An IPv6
   * address can be bound at once: unless `options.dad` asks for it, no duplicate is looked for.
   * @param family AF_INET or AF_INET6
   * @param prefixlen bits of the network: 0 to 32 or 128
   * @throws {IothError} EEXIST where the interface has it; ENODEV; ENXIO or EINVAL where it has no IPv6
   */
  ipaddr_add(family: number, addr: string, prefixlen: number, ifindex: InterfaceRef, options?: AddressOptions): void;
  ipaddr_add(addr: string, ifindex: InterfaceRef, options?: AddressOptions): void;
  ipaddr_add(...args: netlink.AddAddressArguments): void {
    netlink.ipaddr_add(this.pointer('ipaddr_add'), ...args);
  }

  /**
   * Takes an address from an interface: ioth_ipaddr_del(3). Arguments as {@link ipaddr_add}.
   * @throws {IothError} EADDRNOTAVAIL (picox: ENODEV) where the interface does not have it; ENODEV
   */
  ipaddr_del(family: number, addr: string, prefixlen: number, ifindex: InterfaceRef): void;
  ipaddr_del(addr: string, ifindex: InterfaceRef): void;
  ipaddr_del(...args: netlink.DelAddressArguments): void {
    netlink.ipaddr_del(this.pointer('ipaddr_del'), ...args);
  }

  /**
   * Adds a route to the main table: ioth_iproute_add(3), with the gateway first; or one string in the words of ip-route(8),
   * 'default via 10.0.0.254', '10.2.0.0/16 via 10.0.0.254 dev vde0 metric 5': a destination, then any of via, dev, metric, src,
   * proto, scope, pref and onlink.
   * @param family AF_INET or AF_INET6
   * @param gw the gateway, a link-local one with `ifindex`; null for what is reached on the link `ifindex` itself
   * @param dst the network; null or missing for the default route
   * @param dst_prefixlen bits of the network: 0 to 32 or 128
   * @param ifindex the interface; 0 or missing leaves it to the gateway
   * @throws {IothError} EEXIST; ENETUNREACH or EHOSTUNREACH where no address of the stack reaches the gateway; ENODEV
   * @throws {TypeError} ERR_INVALID_ARG_VALUE for a word that is not understood
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
   * Deletes a route of the main table, whoever made it: ioth_iproute_del(3). Arguments as {@link iproute_add}; `gw` null
   * stands for any gateway, except on picox, and so does each word that a string leaves out.
   * @throws {IothError} ESRCH (picox: ENODEV or ENOENT) where there is no such route
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
