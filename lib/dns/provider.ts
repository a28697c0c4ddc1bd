import type { ProviderName } from '../core/provider.js';
import type { Interface } from '../netlink/index.js';
import type { Socket } from '../socket/socket.js';
import type { AddrInfo, AddrInfoHints } from './getaddrinfo.js';
import type { NameInfoAddress } from './getnameinfo.js';
import type { ServicePort } from './socket-types.js';

/** What name resolution needs of the stack that it works on. A Stack is one. */
export interface NameHost {
  readonly closed: boolean;
  /** `struct ioth *`, for the native provider. */
  pointer(syscall: string): bigint;
  /** For a library that makes sockets on it by itself: call what it answers when it is done. */
  beginNativeCall(): () => void;
  socket(family: number, type: number): Socket;
  interfaces(): Interface[];
  if_nametoindex(ifname: string): number;
}

/** A way to do getaddrinfo and getnameinfo: the builtin resolver or libiothdns. */
export interface NameProvider {
  readonly name: ProviderName;
  getaddrinfo(host: string | null, port: ServicePort, hints: AddrInfoHints): Promise<AddrInfo[]>;
  getnameinfo(address: NameInfoAddress, flags: number, options: { signal?: AbortSignal }): Promise<[string, string]>;
  /** Every address of a name in one family, without hosts file and search list. */
  addresses(name: string, type: 'A' | 'AAAA', options: { signal?: AbortSignal }): Promise<string[]>;
}
