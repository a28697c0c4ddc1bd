/**
 * The numbers of Linux, by the names that C and Python's `socket` module give them. All are named exports:
 *
 *     import { AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_REUSEADDR } from 'ioth';
 */

export * from './constants/inet.js';
export * from './constants/link.js';
export * from './constants/link_bridge.js';
export * from './constants/link_kinds.js';
export * from './constants/netdb.js';
export * from './constants/netlink.js';
export * from './constants/packet.js';
export * from './constants/socket.js';

// What iothconfig set: the bits of its answer (iothconf.h)
export const IOTHCONF_STATIC = 1 << 0;
export const IOTHCONF_ETH = 1 << 1;
export const IOTHCONF_DHCP = 1 << 2;
export const IOTHCONF_DHCPV6 = 1 << 3;
export const IOTHCONF_RD = 1 << 4;
