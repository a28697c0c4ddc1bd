/** ioth: the Internet of Threads. Stacks, sockets on them, and the constants and converters of Python's socket. */

// for programs that compile against the declarations without naming Node's types
/// <reference types="node" preserve="true" />

import {
  type Connection as ConnectionOn,
  type DatagramSocket as DatagramSocketOn,
  type ListeningSocket as ListeningSocketOn,
  Socket as SocketOn,
  type StreamSocket as StreamSocketOn,
} from './socket/socket.js';
import type { SyncSocket as SyncSocketOn } from './socket/sync-socket.js';
import type { Stack } from './stack/stack.js';

export { LibraryNotFoundError, type Plugin, plugins } from '../ffi/loader.js';
export { UnsupportedRuntimeError } from '../ffi/runtime.js';
export { htonl, htons, inet_aton, inet_ntoa, inet_ntop, inet_pton, ntohl, ntohs } from './address/inet.js';
export { iothaddr } from './address/iothaddr.js';
export type {
  Address,
  AddressInput,
  InetAddressInput,
  NetlinkAddressInput,
  PacketAddressInput,
} from './address/sockaddr.js';
export type { ConfigEvent, ConfigEvents, ConfigOptions, LeaseEvent, Unapplied } from './config/index.js';
export type { ConfigProtocol } from './config/provider.js';
export * from './constants/index.js';
export * as constants from './constants/index.js';
export { AbortError, IothError, type IothErrorDetails } from './core/errors.js';
export type { ProviderName } from './core/provider.js';
export { DnsError, GaiError } from './dns/errors.js';
export type { AddrInfo } from './dns/getaddrinfo.js';
export type { NameInfoAddress } from './dns/getnameinfo.js';
export type { HostInfo } from './dns/host-info.js';
export { gethostname, getprotobyname } from './dns/host-names.js';
export type { PathTag } from './dns/settings.js';
export type { ServicePort } from './dns/socket-types.js';
export {
  type AddressOptions,
  type Attribute,
  type AttributeValue,
  type IfAddress,
  type IfAddrs,
  type Interface,
  type InterfaceAddress,
  type InterfaceRef,
  type Route,
  vethPeer,
} from './netlink/index.js';
export type { Dispatcher, DispatcherConnectOptions } from './node/dispatcher.js';
export type {
  DnsCodeName,
  DnsPromisesResolver,
  DnsQueryName,
  DnsResolver,
  DnsResolverOptions,
  StackDns,
  StackDnsPromises,
} from './node/dns.js';
export type { NodeModules } from './node/faces.js';
export type { AnyDispatcher, DispatcherOptions, FetchDispatcher } from './node/fetch.js';
export type { PingOptions, PingProbe, PingResult } from './ping/ping.js';
export { close } from './socket/adopt.js';
export { type AncillaryItem, CMSG_LEN, CMSG_SPACE } from './socket/cmsg.js';
export { recv_fds, send_fds } from './socket/fds.js';
export type { Datagram } from './socket/incoming.js';
export type { Received } from './socket/operations/message.js';
export type { Data } from './socket/operations/send.js';
export type { FileInput } from './socket/operations/sendfile.js';
export type { OperationOptions } from './socket/socket.js';
export type { FileOptions, SocketFile } from './socket/socket-file.js';
export { getdefaulttimeout, setdefaulttimeout } from './socket/timeouts.js';
export type { StackOptions, StackSettings } from './stack/arguments.js';
export type { CreateConnectionOptions } from './stack/create-connection.js';
export type { CreateServerOptions } from './stack/create-server.js';
export { get_defstack, override, set_defstack } from './stack/default-stack.js';
export { set_license } from './stack/license.js';
export { Stack } from './stack/stack.js';
export type { StackEvents } from './stack/stack-events.js';
export type { CloseOptions } from './vdestack/close-options.js';

/** The class of the sockets that `stack.socket()` returns. */
export const Socket = SocketOn;
export type Socket = SocketOn<Stack>;
export type ListeningSocket = ListeningSocketOn<Stack>;
export type Connection = ConnectionOn<Stack>;
export type StreamSocket = StreamSocketOn<Stack>;
export type DatagramSocket = DatagramSocketOn<Stack>;
export type SyncSocket = SyncSocketOn<Socket>;
