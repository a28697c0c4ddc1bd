import type { Interface } from '../netlink/index.js';
import type { Socket } from '../socket/socket.js';

/** Members of a stack that name resolution uses; Stack implements them. */
export interface ResolverStack {
  readonly closed: boolean;
  /** Returns the `struct ioth *`, for the native provider. */
  pointer(syscall: string): bigint;
  /** Begins a call of a library that makes its own sockets on the stack. Call the returned function when the call ends. */
  beginNativeCall(): () => void;
  socket(family: number, type: number): Socket;
  interfaces(): Interface[];
  if_nametoindex(ifname: string): number;
}
