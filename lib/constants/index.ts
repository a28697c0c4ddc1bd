/**
 * The numbers of Linux, by the names that C and Python's `socket` module give them:
 *
 *     import { AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_REUSEADDR } from 'ioth';
 */

export * from './inet.js';
export * from './link.js';
export * from './netdb.js';
export * from './netlink.js';
export * from './packet.js';
export * from './socket.js';

// What iothconfig has set: the bits of its result (iothconf.h)
export const IOTHCONF_STATIC = 1 << 0;
export const IOTHCONF_ETH = 1 << 1;
export const IOTHCONF_DHCP = 1 << 2;
export const IOTHCONF_DHCPV6 = 1 << 3;
export const IOTHCONF_RD = 1 << 4;
/** Of this package alone: the stack refused a part of a lease; the event of the lease says which. */
export const IOTHCONF_INCOMPLETE = 1 << 8;
