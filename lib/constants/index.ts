/**
 * Linux constants, named as in C and in Python's `socket` module:
 *
 *     import { AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_REUSEADDR } from 'ioth';
 */

export * from './inet.js';
export * from './link.js';
export * from './netdb.js';
export * from './netlink.js';
export * from './packet.js';
export * from './socket.js';

// Bits of the result of iothconfig (iothconf.h)
export const IOTHCONF_STATIC = 1 << 0;
export const IOTHCONF_ETH = 1 << 1;
export const IOTHCONF_DHCP = 1 << 2;
export const IOTHCONF_DHCPV6 = 1 << 3;
export const IOTHCONF_RD = 1 << 4;
/** A bit of ioth alone: the stack refused a part of a lease. The event of the lease names that part. */
export const IOTHCONF_INCOMPLETE = 1 << 8;
