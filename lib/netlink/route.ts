import type { StackPointer } from '../../ffi/ioth.js';
import { checkFamily } from '../address/inet.js';
import { ANY4, familyName } from '../address/ip.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../constants/socket.js';
import { IS_LITTLE_ENDIAN, viewOf } from '../core/byte-order.js';
import { checkBoolean, checkOptions } from '../core/validate.js';
import { withoutUndefined } from '../core/without-undefined.js';
import { RTA, RTM, RTM_F_CLONED } from './constants.js';
import { if_nameindex } from './link.js';
import {
  type Attributes,
  addressOf,
  decodeAttributes,
  type Message,
  malformed,
  type RecordKind,
  rtmsg,
  splitPayload,
  splitRecords,
  u32Of,
} from './message.js';
import { dump } from './request.js';
import { preferenceName, type RoutePreference, TABLES, TYPES } from './route-names.js';

const RTMSG_SIZE = 12;
/** A struct rtnexthop: u16 length, u8 flags, u8 hops, s32 ifindex. */
const NEXTHOP: RecordKind = { name: 'a next hop', headerSize: 8, readLength: 'getUint16' };

export interface Route {
  family: 'IPv4' | 'IPv6';
  /** The network: '0.0.0.0' or '::' for the default route. */
  dst: string;
  dst_prefixlen: number;
  /** The gateway; null if the network is on the link. */
  gw: string | null;
  /** The index of the interface; 0 if the route has none (unreachable, blackhole). */
  ifindex: number;
  /** The name of that interface. */
  ifname?: string;
  /** The metric: the lowest one wins. */
  metric?: number;
  /** The preferred source address. */
  src?: string;
  /** The preference of an IPv6 router: RFC 4191. */
  pref?: RoutePreference;
  /** The table, RT_TABLE_*: 254 main, 255 local. */
  table: number;
  /** The origin, RTPROT_*: 2 kernel, 3 boot, 9 router advertisement. */
  protocol: number;
  /** The scope, RT_SCOPE_*. */
  scope: number;
  /** The type, RTN_*: 1 unicast. */
  type: number;
  /** The flags, RTNH_F_*: 1 dead, 4 onlink, 16 linkdown. */
  flags: number;
}

/** A route; `family` is AF_INET or AF_INET6. */
interface StackRoute extends Omit<Route, 'family'> {
  family: number;
}

export function routes(stack: StackPointer, family: number = AF_UNSPEC, options?: { all?: boolean }): Route[] {
  const { all = false }: { all?: boolean } = checkOptions(options, ['all']);
  checkBoolean('options.all', all);
  if (family !== AF_UNSPEC) checkFamily(family);
  const found = dump(stack, 'RTM_GETROUTE', rtmsg(family))
    .flatMap((message) => decodeRoutes(message, 'RTM_GETROUTE'))
    .filter((route) => family === AF_UNSPEC || route.family === family)
    .filter(({ table, type }) => all || (table === TABLES.main && type === TYPES.unicast));
  const names = new Map(found.length > 0 ? if_nameindex(stack) : []);
  return found.map((route) =>
    withoutUndefined({ ...route, family: familyName(route.family), ifname: names.get(route.ifindex) }),
  );
}

/** Decodes the routes of an RTM_NEWROUTE message. Returns none for any other message, a cached route, or another family. */
export function decodeRoutes({ type, payload }: Message, syscall: string): StackRoute[] {
  if (type !== RTM.RTM_NEWROUTE) return [];
  const [info, attributes] = splitPayload(payload, RTMSG_SIZE, syscall);
  const family = info.getUint8(0);
  if (family !== AF_INET && family !== AF_INET6) return [];
  if ((info.getUint32(8, IS_LITTLE_ENDIAN) & RTM_F_CLONED) !== 0) return [];
  const route = withoutUndefined<StackRoute>({
    family,
    dst: addressOf(family, attributes.get(RTA.DST), syscall) ?? anyAddress(family),
    dst_prefixlen: info.getUint8(1),
    gw: gatewayOf(family, attributes, syscall),
    ifindex: u32Of(attributes.get(RTA.OIF), syscall) ?? 0,
    table: u32Of(attributes.get(RTA.TABLE), syscall) ?? info.getUint8(4),
    protocol: info.getUint8(5),
    scope: info.getUint8(6),
    type: info.getUint8(7),
    flags: info.getUint8(IS_LITTLE_ENDIAN ? 8 : 11),
    metric: u32Of(attributes.get(RTA.PRIORITY), syscall),
    src: addressOf(family, attributes.get(RTA.PREFSRC), syscall),
    pref: preferenceName(attributes.get(RTA.PREF)?.[0]),
  });
  const multipath = attributes.get(RTA.MULTIPATH);
  if (!multipath) return [route];
  return splitRecords(multipath, NEXTHOP, syscall).map((hop) => ({
    ...route,
    gw: gatewayOf(family, decodeAttributes(hop.subarray(NEXTHOP.headerSize), syscall), syscall),
    ifindex: viewOf(hop).getInt32(4, IS_LITTLE_ENDIAN),
    flags: viewOf(hop).getUint8(2),
  }));
}

function gatewayOf(family: number, attributes: Attributes, syscall: string): string | null {
  // RTA_VIA is for an IPv4 route through an IPv6 gateway: RFC 5549
  const via = attributes.get(RTA.VIA);
  if (via) {
    if (via.length < 2) throw malformed(syscall, `a gateway of ${via.length} bytes`);
    return addressOf(viewOf(via).getUint16(0, IS_LITTLE_ENDIAN), via.subarray(2), syscall) ?? null;
  }
  const gw = addressOf(family, attributes.get(RTA.GATEWAY), syscall);
  // picox reports 0.0.0.0 or :: for "on the link"
  return gw === undefined || gw === anyAddress(family) ? null : gw;
}

function anyAddress(family: number): string {
  return family === AF_INET ? ANY4 : '::';
}
