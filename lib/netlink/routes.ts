/** The routes of a stack, from a dump. */

import type { StackPointer } from '../../ffi/ioth.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../constants/index.js';
import { IS_LITTLE_ENDIAN, viewOf } from '../core/byte-order.js';
import { checkBoolean, checkOptions } from '../core/validate.js';
import { checkFamily } from './check.js';
import {
  RT_TABLE_MAIN,
  RTA_DST,
  RTA_GATEWAY,
  RTA_MULTIPATH,
  RTA_OIF,
  RTA_PRIORITY,
  RTA_TABLE,
  RTA_VIA,
  RTM,
  RTM_F_CLONED,
  RTN_UNICAST,
} from './constants.js';
import {
  type Attributes,
  addressOf,
  decodeAttributes,
  type Message,
  malformed,
  rtmsg,
  splitPayload,
  u32Of,
} from './message.js';
import { dump } from './request.js';

const RTMSG_SIZE = 12;
const RTNEXTHOP_SIZE = 8;
const ANY = { IPv4: '0.0.0.0', IPv6: '::' } as const;

export interface Route {
  family: 'IPv4' | 'IPv6';
  /** The network: '0.0.0.0' or '::' for the default route. */
  dst: string;
  dst_prefixlen: number;
  /** The gateway; null where the network is on the link. */
  gw: string | null;
  /** 0 where the route has no interface (unreachable, blackhole). */
  ifindex: number;
  /** The lower, the sooner it is taken. */
  metric?: number;
  /** RT_TABLE_*: 254 main, 255 local. */
  table: number;
  /** RTPROT_*, who made it: 2 kernel, 3 boot, 9 router advertisement. */
  protocol: number;
  /** RT_SCOPE_*. */
  scope: number;
  /** RTN_*: 1 unicast. */
  type: number;
}

/**
 * The unicast routes of the main table. A route with several gateways is several.
 * @param family AF_INET or AF_INET6; both where it is missing
 * @param options `all`: every table and every type
 * @throws {IothError} as every netlink dialog: the stack's own error, ETIMEDOUT, EBADMSG
 */
export function routes(stack: StackPointer, family: number = AF_UNSPEC, options?: { all?: boolean }): Route[] {
  const { all = false }: { all?: boolean } = checkOptions(options, ['all']);
  checkBoolean('options.all', all);
  if (family !== AF_UNSPEC) checkFamily(family);
  const wanted = (route: Route): boolean =>
    (family === AF_UNSPEC || (family === AF_INET) === (route.family === 'IPv4')) &&
    (all || (route.table === RT_TABLE_MAIN && route.type === RTN_UNICAST));
  return dump(stack, 'RTM_GETROUTE', rtmsg(family))
    .flatMap((message) => decodeRoutes(message, 'RTM_GETROUTE'))
    .filter(wanted);
}

/**
 * The routes of an RTM_NEWROUTE message; none for any other message, a cached route, and a family other than IPv4
 * and IPv6.
 * @throws {IothError} EBADMSG
 */
export function decodeRoutes({ type, payload }: Message, request: string): Route[] {
  if (type !== RTM.RTM_NEWROUTE) return [];
  const [info, attributes] = splitPayload(payload, RTMSG_SIZE, request);
  const number = info.getUint8(0);
  if (number !== AF_INET && number !== AF_INET6) return [];
  if ((info.getUint32(8, IS_LITTLE_ENDIAN) & RTM_F_CLONED) !== 0) return [];
  const family = number === AF_INET ? 'IPv4' : 'IPv6';
  const route: Route = {
    family,
    dst: addressOf(number, attributes.get(RTA_DST), request) ?? ANY[family],
    dst_prefixlen: info.getUint8(1),
    gw: gatewayOf(number, attributes, request),
    ifindex: u32Of(attributes.get(RTA_OIF), request) ?? 0,
    table: u32Of(attributes.get(RTA_TABLE), request) ?? info.getUint8(4),
    protocol: info.getUint8(5),
    scope: info.getUint8(6),
    type: info.getUint8(7),
  };
  const metric = u32Of(attributes.get(RTA_PRIORITY), request);
  if (metric !== undefined) route.metric = metric;
  const multipath = attributes.get(RTA_MULTIPATH);
  return multipath ? nexthops(number, multipath, request).map((hop) => ({ ...route, ...hop })) : [route];
}

function gatewayOf(family: number, attributes: Attributes, request: string): string | null {
  // RTA_VIA: an IPv4 route through an IPv6 gateway, RFC 5549
  const via = attributes.get(RTA_VIA);
  if (via) {
    if (via.length < 2) throw malformed(request, `a gateway of ${via.length} bytes`);
    return addressOf(viewOf(via).getUint16(0, IS_LITTLE_ENDIAN), via.subarray(2), request) ?? null;
  }
  const gw = addressOf(family, attributes.get(RTA_GATEWAY), request);
  // picox has 0.0.0.0 or :: for "on the link"
  return gw === undefined || gw === ANY.IPv4 || gw === ANY.IPv6 ? null : gw;
}

// RTA_MULTIPATH: struct rtnexthop (u16 length, u8 flags, u8 hops, s32 ifindex) and attributes, again and again
function nexthops(family: number, bytes: Buffer, request: string): Pick<Route, 'gw' | 'ifindex'>[] {
  const hops: Pick<Route, 'gw' | 'ifindex'>[] = [];
  const view = viewOf(bytes);
  let offset = 0;
  while (bytes.length - offset >= RTNEXTHOP_SIZE) {
    const length = view.getUint16(offset, IS_LITTLE_ENDIAN);
    if (length < RTNEXTHOP_SIZE || length > bytes.length - offset) {
      throw malformed(request, `a next hop of length ${length} in ${bytes.length - offset} bytes`);
    }
    const attributes = decodeAttributes(bytes.subarray(offset + RTNEXTHOP_SIZE, offset + length), request);
    hops.push({ gw: gatewayOf(family, attributes, request), ifindex: view.getInt32(offset + 4, IS_LITTLE_ENDIAN) });
    offset += (length + 3) & ~3;
  }
  return hops;
}
