import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { Server, Socket } from 'node:net';
import { IothError } from '../core/errors.js';
import type { OpenHandle } from './open-handles.js';

/*
 * The handles of Node's TCP and UDP sockets: src/tcp_wrap.cc, src/udp_wrap.cc and lib/net.js, lib/dgram.js of Node. They are not
 * a public API: every part that is used is checked before anything is changed.
 */

export type HandleMethod = (this: NodeHandle, ...args: unknown[]) => number;

/** A TCP or UDP handle, or its prototype. */
export type NodeHandle = OpenHandle & {
  /** The file descriptor; negative if it has none yet. */
  readonly fd: number;
  /** Calls uv_tcp_open or uv_udp_open. Returns 0 or a negative errno. */
  open(fd: number): number;
  /** Set on a TCP handle that listens. */
  onconnection?: (status: number, client: NodeHandle | undefined) => void;
} & Record<string, HandleMethod>;

export interface NodeInternals {
  readonly tcp: NodeHandle;
  readonly udp: NodeHandle;
  /** Returns the socket or server of a handle. */
  ownerOf(handle: NodeHandle): object | undefined;
  /** Returns the handle of a datagram socket, while it is open. */
  handleOf(socket: DatagramSocket): NodeHandle | undefined;
  /** Returns whether the bind of a datagram socket waits, for its look-up or for the primary of a cluster. */
  isBinding(socket: DatagramSocket): boolean;
}

/** BIND_STATE_BINDING of lib/dgram.js. */
const BINDING = 1;
const COMMON_METHODS = ['open', 'close', 'bind', 'bind6', 'connect', 'connect6', 'getsockname', 'getpeername'];
const TCP_METHODS = [...COMMON_METHODS, 'listen', 'reset', 'setNoDelay', 'setKeepAlive'];
const UDP_METHODS = [...COMMON_METHODS, 'send', 'send6', 'addMembership', 'addSourceSpecificMembership', 'recvStart'];

/**
 * Finds the prototypes through two sockets, which are closed before they have a file descriptor.
 * @throws {IothError} ERR_NODE_INTERNALS if the handles of this Node are different
 */
export function nodeInternals(): NodeInternals {
  if (!('_listen2' in Server.prototype)) throw unlikeNode('sockets', 'a net.Server has no _listen2()');
  const stream: Socket & { _handle?: unknown } = new Socket();
  const datagrams = createSocket('udp4');
  try {
    // it would connect in the next turn of the event loop, and is destroyed in this one
    stream.on('error', () => {}).connect({ port: 1, host: '127.0.0.1' });
    return checkInternals(stream._handle, datagrams);
  } finally {
    stream.destroy();
    datagrams.close();
  }
}

/** Checks the handles, and returns the internals. @throws {IothError} ERR_NODE_INTERNALS */
export function checkInternals(tcpHandle: unknown, datagrams: object): NodeInternals {
  const owner = symbolOf(tcpHandle, 'owner_symbol', 'a TCP handle');
  const state = symbolOf(datagrams, 'state symbol', 'a datagram socket');
  const udpHandle = propertyOf(datagrams, state, 'handle');
  symbolOf(udpHandle, 'owner_symbol', 'a UDP handle');
  const tcp = prototypeOf(tcpHandle, TCP_METHODS, 'TCP');
  const udp = prototypeOf(udpHandle, UDP_METHODS, 'UDP');
  if (typeof propertyOf(datagrams, state, 'bindState') !== 'number') {
    throw unlikeNode('sockets', "a datagram socket has no 'bindState'");
  }
  return {
    tcp,
    udp,
    ownerOf: (handle) => (handle as unknown as Record<symbol, object | undefined>)[owner],
    handleOf: (socket) => propertyOf(socket, state, 'handle') as NodeHandle | undefined,
    isBinding: (socket) => propertyOf(socket, state, 'bindState') === BINDING,
  };
}

function prototypeOf(handle: unknown, methods: readonly string[], name: string): NodeHandle {
  const prototype: NodeHandle | undefined = Object.getPrototypeOf(handle);
  const missing = methods.find((method) => typeof prototype?.[method] !== 'function');
  if (!prototype || missing !== undefined) throw unlikeNode('sockets', `a ${name} handle has no ${missing}()`);
  if (typeof (handle as NodeHandle).fd !== 'number') throw unlikeNode('sockets', `a ${name} handle has no fd`);
  return prototype;
}

function symbolOf(object: unknown, description: string, what: string): symbol {
  const symbols = typeof object === 'object' && object !== null ? Object.getOwnPropertySymbols(object) : [];
  const found = symbols.find((symbol) => symbol.description === description);
  if (!found) throw unlikeNode('sockets', `${what} has no '${description}'`);
  return found;
}

function propertyOf(object: object, key: symbol, name: string): unknown {
  return (object as Record<symbol, Record<string, unknown> | undefined>)[key]?.[name];
}

/** Returns the error of a Node with other internals. */
export function unlikeNode(subject: 'sockets' | 'names', what: string): IothError {
  return new IothError('ERR_NODE_INTERNALS', {
    hint: `the ${subject} of Node ${process.version} cannot be put on a stack: ${what}`,
  });
}
