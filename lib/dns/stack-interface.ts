import type { Link, Route, StackAddress } from '../netlink/index.js';
import type { Socket } from '../socket/socket.js';

/** Members of a stack that configuration uses. */
export interface StackInterface {
  /** True if its sockets are kernel sockets, so that every system call works on them. */
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
  /** Returns the `struct ioth *`. */
  pointer(syscall: string): bigint;
  /** Begins a call of a library that makes its own sockets on the stack. Call the returned function when the call ends. */
  beginNativeCall(): () => void;
}
