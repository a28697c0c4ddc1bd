import { EventEmitter } from 'node:events';
import type { StackPointer } from '../../ffi/ioth.js';
import { checkBoolean, checkIfindex } from '../core/validate.js';
import * as netlink from '../netlink/index.js';
import type { StackEvents } from './events.js';
import { isVdestack } from './plugin.js';
import { interfaceName } from './vnl.js';

/** Of {@link Stack.ipaddr_add}. */
export interface AddressOptions {
  /** IPv6: let the kernel detect duplicates first; the address cannot be bound meanwhile (up to 2 s). Default false. */
  dad?: boolean;
}

/**
 * The interfaces, addresses and routes of a stack: the functions of nlinline(3) as methods. They speak rtnetlink with the
 * stack; what it refuses is an {@link IothError} with its errno and, where it gave one, its explanation.
 */
export abstract class NetlinkStack extends EventEmitter<StackEvents> {
  abstract readonly name: string;
  abstract readonly vnl: readonly string[];

  /** The `struct ioth *`, for a call of C that `syscall` names in errors. @internal */
  abstract pointer(syscall: string): StackPointer;

  /** The index of an interface. @throws {IothError} ENODEV */
  if_nametoindex(ifname: string): number {
    return netlink.if_nametoindex(this.pointer('if_nametoindex'), ifname);
  }

  /** The name of an interface. @throws {IothError} ENODEV */
  if_indextoname(ifindex: number): string {
    return netlink.if_indextoname(this.pointer('if_indextoname'), ifindex);
  }

  /** The index and the name of every interface. */
  if_nameindex(): [ifindex: number, ifname: string][] {
    return netlink.if_nameindex(this.pointer('if_nameindex'));
  }

  /** Interfaces and their addresses as getifaddrs(3) lists them: an entry an address. */
  getifaddrs(): netlink.IfAddrs[] {
    return netlink.getifaddrs(this.pointer('getifaddrs'));
  }

  /** Every interface, with its addresses. */
  interfaces(): netlink.Interface[] {
    return netlink.interfaces(this.pointer('interfaces'));
  }

  /** The interface with this index, without its addresses. @internal */
  link(ifindex: number): netlink.Link | undefined {
    return netlink.findLink(this.pointer('link'), ifindex);
  }

  /** The addresses of one interface. @internal */
  addressesOf(ifindex: number): netlink.InterfaceAddress[] {
    return netlink.addressesOf(this.pointer('addressesOf'), ifindex);
  }

  /** The unicast routes of the main table, IPv4 then IPv6, or of one family; with `all`, of every table and type. */
  routes(family?: number, options?: { all?: boolean }): netlink.Route[] {
    return netlink.routes(this.pointer('routes'), family, options);
  }

  /** Turns an interface on or off. */
  linksetupdown(ifindex: number, up: boolean | 0 | 1): void {
    netlink.linksetupdown(this.pointer('linksetupdown'), checkIfindex('ifindex', ifindex), checkBoolean('up', up));
  }

  /** The MAC address of an interface: '80:00:42:0e:e7:3a'. */
  linkgetaddr(ifindex: number): string {
    return netlink.linkgetaddr(this.pointer('linkgetaddr'), ifindex);
  }

  /** Sets the MAC address of an interface: '80:00:42:0e:e7:3a' or its 6 bytes. */
  linksetaddr(ifindex: number, mac: string | Uint8Array): void {
    netlink.linksetaddr(this.pointer('linksetaddr'), ifindex, mac);
  }

  /** Sets the MTU of an interface, in bytes. */
  linksetmtu(ifindex: number, mtu: number): void {
    netlink.linksetmtu(this.pointer('linksetmtu'), ifindex, mtu);
  }

  /**
   * Adds a link of `type` ('bridge', 'veth' …) and returns its index. The machine's kernel decides which types exist.
   * @param ifindex the index that it shall have, or -1 for any
   * @param data its IFLA_INFO_DATA attributes
   */
  iplink_add(ifindex: number, type: string, data?: readonly netlink.Attribute[], ifname?: string): number {
    return netlink.iplink_add(this.pointer('iplink_add'), ifindex, type, data, ifname);
  }

  /** Adds an interface that joins `vnl`, on stacks that can (picox); returns its index. */
  iplink_add_vde(ifindex: number, vnl: string, ifname?: string): number {
    return netlink.iplink_add_vde(this.pointer('iplink_add_vde'), ifindex, vnl, ifname);
  }

  /**
   * Removes a link, named by its name, its index or both.
   * @throws {IothError} ENODEV; ENOTSUP for a link that cannot be deleted; EBUSY for the interface with which a vdestack
   * joined a network
   */
  iplink_del(link: { ifname?: string; ifindex?: number }): void {
    const own = isVdestack(this.name) ? this.vnl.map(interfaceName) : [];
    netlink.iplink_del(this.pointer('iplink_del'), link, own);
  }

  /** Gives an interface an address. An IPv6 address can be bound at once: duplicates are not looked for. */
  ipaddr_add(family: number, addr: string, prefixlen: number, ifindex: number, options?: AddressOptions): void {
    netlink.ipaddr_add(this.pointer('ipaddr_add'), family, addr, prefixlen, ifindex, options);
  }

  /** Takes an address away from an interface. */
  ipaddr_del(family: number, addr: string, prefixlen: number, ifindex: number): void {
    netlink.ipaddr_del(this.pointer('ipaddr_del'), family, addr, prefixlen, ifindex);
  }

  /**
   * Adds a route to dst/dst_prefixlen through the gateway `gw`; without `dst` the default route. With `gw` null
   * the network is reached directly through `ifindex`. A link-local gateway needs `ifindex` too.
   */
  iproute_add(family: number, gw: string | null, dst?: string | null, dst_prefixlen?: number, ifindex?: number): void {
    netlink.iproute_add(this.pointer('iproute_add'), family, gw, dst, dst_prefixlen, ifindex);
  }

  /** Removes the route that iproute_add with the same arguments made. */
  iproute_del(family: number, gw: string | null, dst?: string | null, dst_prefixlen?: number, ifindex?: number): void {
    netlink.iproute_del(this.pointer('iproute_del'), family, gw, dst, dst_prefixlen, ifindex);
  }
}
