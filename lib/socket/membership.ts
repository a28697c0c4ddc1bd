import { SIZEOF_SIZE_T } from '../../ffi/libc.js';
import { inet_pton } from '../address/inet.js';
import { familyOf } from '../address/ip.js';
import { encodeSockaddr, SOCKADDR_SIZE } from '../address/sockaddr.js';
import {
  IP_ADD_MEMBERSHIP,
  IP_DROP_MEMBERSHIP,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_JOIN_GROUP,
  IPV6_LEAVE_GROUP,
  MCAST_JOIN_SOURCE_GROUP,
  MCAST_LEAVE_SOURCE_GROUP,
} from '../constants/inet.js';
import { AF_INET, AF_INET6 } from '../constants/socket.js';
import { intBytes } from '../core/byte-order.js';
import { IothError } from '../core/errors.js';
import { checkString, invalidValue } from '../core/validate.js';
import { interfaceIndex } from './interface-options.js';
import type { SocketOwner } from './owner.js';

/** Returns the arguments of setsockopt(2) for `addMembership` and `dropMembership`. */
export function membershipOption(
  stack: SocketOwner,
  socketFamily: number,
  isJoin: boolean,
  group: unknown,
  ifname: unknown,
  source: unknown,
): [level: number, optname: number, value: Buffer] {
  if (socketFamily !== AF_INET && socketFamily !== AF_INET6) {
    const syscall = isJoin ? 'addMembership' : 'dropMembership';
    throw new IothError('ENOTSUP', { syscall, hint: 'only sockets of AF_INET and AF_INET6 join groups' });
  }
  const [address, family] = groupOf(socketFamily, group);
  const index = ifname === undefined || ifname === null ? 0 : interfaceIndex('ifname', ifname, stack);
  const level = family === AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
  if (source !== undefined && source !== null) {
    const optname = isJoin ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP;
    return [level, optname, sourceRequest(family, index, address, sourceOf(family, source))];
  }
  if (family === AF_INET) {
    // struct ip_mreqn: the group, an interface address (unused), an ifindex
    const value = Buffer.concat([inet_pton(AF_INET, address), Buffer.alloc(4), intBytes(index)]);
    return [level, isJoin ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, value];
  }
  // struct ipv6_mreq
  const value = Buffer.concat([inet_pton(AF_INET6, address), intBytes(index)]);
  return [level, isJoin ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, value];
}

function groupOf(socketFamily: number, group: unknown): [address: string, family: number] {
  const address = checkString('group', group);
  const family = familyOf(address);
  const expected = "a multicast address, as '239.1.2.3' or 'ff15::1'";
  if (family === 0 || address.includes('%')) throw invalidValue('group', expected, group);
  const first = inet_pton(family, address)[0] ?? 0;
  if (family === AF_INET ? first >> 4 !== 0xe : first !== 0xff) throw invalidValue('group', expected, group);
  // Linux lets an IPv6 socket join IPv4 groups too
  if (family === AF_INET6 && socketFamily === AF_INET) {
    throw invalidValue('group', 'an IPv4 group: for an IPv6 one make the socket with socket(AF_INET6)', group);
  }
  return [address, family];
}

function sourceOf(family: number, source: unknown): string {
  const address = checkString('source', source);
  if (familyOf(address) !== family || address.includes('%')) {
    throw invalidValue('source', "an address of the group's family", source);
  }
  return address;
}

/** Encodes struct group_source_req: the ifindex and two sockaddr_storage, aligned to a long. */
function sourceRequest(family: number, index: number, group: string, source: string): Buffer {
  const value = Buffer.alloc(SIZEOF_SIZE_T + 2 * SOCKADDR_SIZE);
  value.set(intBytes(index));
  [group, source].forEach((address, i) => {
    value.set(encodeSockaddr(family, [address, 0], () => 0).bytes, SIZEOF_SIZE_T + i * SOCKADDR_SIZE);
  });
  return value;
}
