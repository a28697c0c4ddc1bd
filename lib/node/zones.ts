import { errno, libc } from '../../ffi/libc.js';
import { inet_pton } from '../address/inet.js';
import { ipBytes, isLinkLocalIPv6, withoutZone, zoneOf } from '../address/ip.js';
import { type Address, decodeSockaddr, encodeSockaddr, SOCKADDR_SIZE } from '../address/sockaddr.js';
import { IPPROTO_IPV6, IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP, IPV6_MULTICAST_IF } from '../constants/inet.js';
import { AF_INET6, MSG_DONTWAIT, MSG_NOSIGNAL, SO_BINDTOIFINDEX, SOL_SOCKET } from '../constants/socket.js';
import { intBytes } from '../core/byte-order.js';
import { IothError, systemError } from '../core/errors.js';
import type { NodeHandle, NodeInternals } from './internals.js';
import type { NodeStack } from './node-stack.js';
import { attempt, nameInto } from './pump/pump.js';
import { replaceFunction } from './replace.js';

/*
 * Zones of IPv6 addresses ('fe80::1%vde0') in the handles of a stack. libuv takes each for an interface of the host, so it gets
 * none: the descriptor is bound to the interface, as connect(2) and bind(2) do it for an address with a scope.
 */

type NodeAddress = Pick<Address, 'address' | 'family' | 'port'>;
type StackOf = (handle: NodeHandle) => NodeStack | undefined;
type Method = (handle: NodeHandle, stack: NodeStack, args: unknown[], native: () => number) => number;

/** Makes the handles of stacks take and return zones of their stack. */
export function patchZones({ tcp, udp }: Pick<NodeInternals, 'tcp' | 'udp'>, stackOf: StackOf): void {
  const replace = (prototype: NodeHandle, method: string, replacement: Method) =>
    replaceFunction(prototype, method, (original) => {
      return function (this: NodeHandle, ...args) {
        const stack = stackOf(this);
        const native = () => Reflect.apply(original, this, args);
        return stack ? replacement(this, stack, args, native) : native();
      };
    });
  for (const prototype of [tcp, udp]) {
    replace(prototype, 'bind6', withScope(0));
    replace(prototype, 'connect6', withScope(prototype === tcp ? 1 : 0));
    for (const call of ['getsockname', 'getpeername'] as const) replace(prototype, call, named(call));
  }
  replace(udp, 'send6', send);
  replace(udp, 'setMulticastInterface', setMulticastInterface);
  replace(udp, 'addMembership', membership(IPV6_JOIN_GROUP));
  replace(udp, 'dropMembership', membership(IPV6_LEAVE_GROUP));
  replace(udp, 'recvStart', followSenders);
}

/** A bind or connect, with the address at this place among the arguments. */
function withScope(at: number): Method {
  return (handle, stack, args, native) => {
    const address = String(args[at]);
    if (!address.includes('%')) return native();
    const result = attempt(() => bindToZone(handle.fd, stack, address));
    if (result < 0) return result;
    args[at] = withoutZone(address);
    return native();
  };
}

/** @throws {IothError} ENODEV; EINVAL for a socket that is bound to another interface */
function bindToZone(fd: number, stack: NodeStack, address: string): void {
  const index = indexOf(stack, address);
  if (!hasScope(ipBytes(address))) return;
  const bound = new Int32Array(1);
  libc().getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, bound, new Uint32Array([bound.byteLength]));
  // a second time it would need a privilege
  if (bound[0] === index) return;
  if (bound[0] !== 0) throw new IothError('EINVAL', { syscall: 'setsockopt' });
  setOption(fd, SOL_SOCKET, SO_BINDTOIFINDEX, intBytes(index));
}

/** Returns whether an address means the interface that the zone says: it reaches only the link or the interface. */
function hasScope(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes;
  const scope = second & 0xf;
  return isLinkLocalIPv6(bytes) || (first === 0xff && (scope === 1 || scope === 2));
}

/** Sends a datagram to a zone at once. Returns what the native method does: its length and one. */
function send(handle: NodeHandle, stack: NodeStack, args: unknown[], native: () => number): number {
  const [, list, , port, address] = args as [unknown, Uint8Array[], number, number, unknown];
  if (typeof address !== 'string' || !address.includes('%')) return native();
  let sent = 0;
  const result = attempt(() => {
    const to = encodeSockaddr(AF_INET6, [address, port], (name) => stack.if_nametoindex(name));
    const data = Buffer.concat(list);
    sent = libc().sendto(handle.fd, data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL, to.bytes, to.length);
    if (sent < 0) throw systemError(errno(), 'sendto');
  });
  return result || sent + 1;
}

function setMulticastInterface(handle: NodeHandle, stack: NodeStack, [text]: unknown[], native: () => number): number {
  if (zoneOf(String(text)) === '') return native();
  return attempt(() => {
    inet_pton(AF_INET6, withoutZone(String(text)));
    setOption(handle.fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, intBytes(indexOf(stack, String(text))));
  });
}

/** Joins or leaves a group, with a `struct ipv6_mreq`. */
function membership(optname: number): Method {
  return (handle, stack, [group, networkInterface], native) => {
    if (zoneOf(String(networkInterface)) === '') return native();
    return attempt(() => {
      const index = intBytes(indexOf(stack, String(networkInterface)));
      setOption(handle.fd, IPPROTO_IPV6, optname, Buffer.concat([ipBytes(String(group)), index]));
    });
  };
}

function named(call: 'getsockname' | 'getpeername'): Method {
  return (handle, stack, [out], native) => {
    try {
      const result = native();
      if (result < 0 || !String((out as Address).address).includes('%')) return result;
    } catch {
      // the host has no interface of that index
    }
    return nameInto(out as object, () => nodeAddress(stack, readName(handle.fd, call)));
  };
}

function readName(fd: number, call: 'getsockname' | 'getpeername'): Address {
  const [bytes, length] = [Buffer.alloc(SOCKADDR_SIZE), new Uint32Array([SOCKADDR_SIZE])];
  if (libc()[call](fd, bytes, length) < 0) throw systemError(errno(), call);
  return decodeSockaddr(bytes, length[0] ?? 0);
}

/** Gives the senders of datagrams their zone on the stack. */
function followSenders(handle: NodeHandle, stack: NodeStack, _args: unknown[], native: () => number): number {
  const { onmessage } = handle;
  handle.onmessage = function (this: NodeHandle, nread, other, data, sender) {
    const from = sender as { address: string } | undefined;
    const zone = from ? zoneOf(from.address) : '';
    if (from && zone !== '')
      from.address = `${withoutZone(from.address)}%${nameOf(stack, libc().if_nametoindex(zone))}`;
    return onmessage?.call(this, nread, other, data, sender) as number;
  };
  return native();
}

/** Returns the index of the interface in a zone, which is a name or an index. @throws {IothError} ENODEV */
function indexOf(stack: NodeStack, address: string): number {
  const zone = zoneOf(address);
  return /^\d+$/.test(zone) ? Number(zone) : stack.if_nametoindex(zone);
}

/** Returns an address in the form of Node: the zone is part of a link-local address that has one. */
export function nodeAddress(stack: NodeStack, { address, family, port, scopeid = 0 }: Address): NodeAddress {
  const isZoned = scopeid > 0 && isLinkLocalIPv6(ipBytes(address));
  return { address: isZoned ? `${address}%${nameOf(stack, scopeid)}` : address, family, port };
}

/** Returns the name of an interface, or the index of one that is gone. */
function nameOf(stack: NodeStack, index: number): string {
  try {
    return stack.if_indextoname(index);
  } catch {
    return String(index);
  }
}

function setOption(fd: number, level: number, optname: number, value: Uint8Array): void {
  if (libc().setsockopt(fd, level, optname, value, value.length) < 0) throw systemError(errno(), 'setsockopt');
}
