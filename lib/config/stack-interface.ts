import type { Link, Route, StackAddress } from '../netlink/index.js';
import type { Socket } from '../socket/socket.js';

/** What configuration needs of a stack. */
export interface StackInterface {
  /** Whether its sockets are the kernel's, for which every system call works. */
  readonly hasKernelSockets: boolean;
  if_nametoindex(ifname: string): number;
  link(ifindex: number): Link | undefined;
  addressesOf(ifindex: number): StackAddress[];
  routes(family?: number): Route[];
  linksetupdown(ifindex: number, up: boolean): void;
  linkgetaddr(ifindex: number): string;
  linksetaddr(ifindex: number, mac: string): void;
  linksetmtu(ifindex: number, mtu: number): void;
  ipaddr_add(family: number, addr: string, prefixlen: number, ifindex: number): void;
  ipaddr_del(family: number, addr: string, prefixlen: number, ifindex: number): void;
  iproute_add(family: number, gw: string | null, dst?: string | null, dst_prefixlen?: number, ifindex?: number): void;
  iproute_add(route: string): void;
  iproute_del(family: number, gw: string | null, dst?: string | null, dst_prefixlen?: number, ifindex?: number): void;
  socket(family: number, type: number, proto: number): Socket;
  /** `struct ioth *`. */
  pointer(syscall: string): bigint;
  /** For a library that makes sockets on it by itself: the returned function is to be called when it is done. */
  beginNativeCall(): () => void;
}
