/** ioth: the Internet of Threads. Stacks, sockets on them, and the constants and converters of Python's socket. */

// for who compiles against the declarations without naming Node's types
/// <reference types="node" preserve="true" />

export { LibraryNotFoundError, type Plugin, plugins } from '../ffi/loader.js';
export type { Received } from './ancillary.js';
export { type AncillaryItem, CMSG_LEN, CMSG_SPACE } from './cmsg.js';
export type { ConfigEvent, ConfigEvents, ConfigOptions, ConfProvider, LeaseEvent } from './config/index.js';
export * from './constants.js';
export { get_defstack, set_defstack } from './defstack.js';
export type { AddrInfo } from './dns/addrinfo.js';
export { DnsError, GaiError } from './dns/dnserror.js';
export type { NameInfoAddress } from './dns/nameinfo.js';
export { AbortError, IothError } from './errors.js';
export { htonl, htons, inet_aton, inet_ntoa, inet_ntop, inet_pton, ntohl, ntohs } from './inet.js';
export { iothaddr } from './iothaddr.js';
export { set_license } from './license.js';
export type { CloseOptions } from './native-stack.js';
export {
  type Attribute,
  type IfAddress,
  type IfAddrs,
  type Interface,
  type InterfaceAddress,
  type Route,
  vethPeer,
} from './netlink/index.js';
export type { AddressOptions } from './netlink-stack.js';
export type { StackDns } from './node/dns.js';
export type { Data } from './operations.js';
export type { FileInput } from './sendfile.js';
export type { Address, AddressInput } from './sockaddr.js';
export { type OperationOptions, Socket } from './socket.js';
export {
  close,
  type DnsOptions,
  Stack,
  type StackConfigOptions,
  type StackOptions,
} from './stack.js';
export type { SyncSocket } from './sync.js';
export { getdefaulttimeout, setdefaulttimeout } from './timeouts.js';
