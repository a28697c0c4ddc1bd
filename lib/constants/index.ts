/**
 * Linux constants, named as in C and in Python's `socket` module:
 *
 *     import { AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_REUSEADDR } from 'ioth';
 */

export * from './inet.js';
export * from './iothconf.js';
export * from './link.js';
export * from './netdb.js';
export * from './netlink.js';
export * from './packet.js';
export * from './socket.js';
