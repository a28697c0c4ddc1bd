import type { Address } from '../address/sockaddr.js';
import type { Interface, InterfaceLink, Route, StackAddress } from '../netlink/index.js';
import type { SocketOwner } from '../socket/owner.js';
import type { Socket } from '../socket/socket.js';

/** The members of a Stack that the rooms below it use: resolvers, configuration, Node's modules, ping. Stack implements it. */
export interface StackInterface extends SocketOwner {
  readonly closed: boolean;
  /** The process that carries its frames, if it has a network namespace of its own. */
  readonly daemonPid: number | undefined;
  /** True if its sockets are the kernel's: every system call works on them. */
  readonly hasKernelSockets: boolean;
  /** Returns the `struct ioth *`. @throws {IothError} EBADF once closed, ERR_STACK_DEAD with a dead daemon */
  pointer(syscall: string): bigint;
  /** Announces a library that makes sockets on it directly. Returns a function to call when the library is done. */
  beginNativeCall(): () => void;
  socket(family: number, type: number, proto?: number, fileno?: number): Socket;
  /** Returns whether an AF_INET6 socket accepts IPv4 connections too. */
  has_dualstack_ipv6(): boolean;
  getaddrinfo(
    host: string | null,
    port: number | null,
    family: number,
    type: number,
    proto: number,
    flags: number,
    options: { signal?: AbortSignal },
  ): Promise<{ family: number; type: number; proto: number; sockaddr: Address }[]>;
  /** Returns the name of its host. */
  gethostname(): string;
  if_indextoname(ifindex: number): string;
  interfaces(): Interface[];
  link(ifindex: number): InterfaceLink | undefined;
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
}
