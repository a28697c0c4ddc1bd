import type { Interface } from '../netlink/index.js';
import type { Socket } from '../socket/socket.js';

/** What name resolution needs of the stack that it works on. A Stack is one. */
export interface ResolverStack {
  readonly closed: boolean;
  /** `struct ioth *`, for the native provider. */
  pointer(syscall: string): bigint;
  /** For a library that makes sockets on the stack by itself: call what it returns when the library is done. */
  beginNativeCall(): () => void;
  socket(family: number, type: number): Socket;
  interfaces(): Interface[];
  if_nametoindex(ifname: string): number;
}
