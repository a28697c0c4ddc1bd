import type { StackPointer } from '../../ffi/ioth.js';
import { checkFamily, checkPrefixlen, inet_pton } from '../address/inet.js';
import { ANY4, familyName } from '../address/ip.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../constants/index.js';
import { IS_LITTLE_ENDIAN, viewOf } from '../core/byte-order.js';
import { checkBoolean, checkInteger, checkOptions, INT_MAX, invalidValue } from '../core/validate.js';
import {
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
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
  RTPROT_BOOT,
  RTPROT_UNSPEC,
} from './constants.js';
import { missingLinkHints } from './link.js';
import {
  type Attribute,
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
import { dump, request } from './request.js';

const RTMSG_SIZE = 12;
/** struct rtnexthop: u16 length, u8 flags, u8 hops, s32 ifindex. */
const NEXTHOP: RecordKind = { name: 'a next hop', headerSize: 8, readLength: 'getUint16' };

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

/** Of AF_INET or AF_INET6. */
interface StackRoute extends Omit<Route, 'family'> {
  family: number;
}

export function routes(stack: StackPointer, family: number = AF_UNSPEC, options?: { all?: boolean }): Route[] {
  const { all = false }: { all?: boolean } = checkOptions(options, ['all']);
  checkBoolean('options.all', all);
  if (family !== AF_UNSPEC) checkFamily(family);
  return dump(stack, 'RTM_GETROUTE', rtmsg(family))
    .flatMap((message) => decodeRoutes(message, 'RTM_GETROUTE'))
    .filter((route) => family === AF_UNSPEC || route.family === family)
    .filter(({ table, type }) => all || (table === RT_TABLE_MAIN && type === RTN_UNICAST))
    .map((route) => ({ ...route, family: familyName(route.family) }));
}

/** The routes of an RTM_NEWROUTE message; none for any other message, a cached route, and another family. */
export function decodeRoutes({ type, payload }: Message, syscall: string): StackRoute[] {
  if (type !== RTM.RTM_NEWROUTE) return [];
  const [info, attributes] = splitPayload(payload, RTMSG_SIZE, syscall);
  const family = info.getUint8(0);
  if (family !== AF_INET && family !== AF_INET6) return [];
  if ((info.getUint32(8, IS_LITTLE_ENDIAN) & RTM_F_CLONED) !== 0) return [];
  const route: StackRoute = {
    family,
    dst: addressOf(family, attributes.get(RTA_DST), syscall) ?? anyAddress(family),
    dst_prefixlen: info.getUint8(1),
    gw: gatewayOf(family, attributes, syscall),
    ifindex: u32Of(attributes.get(RTA_OIF), syscall) ?? 0,
    table: u32Of(attributes.get(RTA_TABLE), syscall) ?? info.getUint8(4),
    protocol: info.getUint8(5),
    scope: info.getUint8(6),
    type: info.getUint8(7),
  };
  const metric = u32Of(attributes.get(RTA_PRIORITY), syscall);
  if (metric !== undefined) route.metric = metric;
  const multipath = attributes.get(RTA_MULTIPATH);
  if (!multipath) return [route];
  return splitRecords(multipath, NEXTHOP, syscall).map((hop) => ({
    ...route,
    gw: gatewayOf(family, decodeAttributes(hop.subarray(NEXTHOP.headerSize), syscall), syscall),
    ifindex: viewOf(hop).getInt32(4, IS_LITTLE_ENDIAN),
  }));
}

function gatewayOf(family: number, attributes: Attributes, syscall: string): string | null {
  // RTA_VIA: an IPv4 route through an IPv6 gateway, RFC 5549
  const via = attributes.get(RTA_VIA);
  if (via) {
    if (via.length < 2) throw malformed(syscall, `a gateway of ${via.length} bytes`);
    return addressOf(viewOf(via).getUint16(0, IS_LITTLE_ENDIAN), via.subarray(2), syscall) ?? null;
  }
  const gw = addressOf(family, attributes.get(RTA_GATEWAY), syscall);
  // picox has 0.0.0.0 or :: for "on the link"
  return gw === undefined || gw === anyAddress(family) ? null : gw;
}

function anyAddress(family: number): string {
  return family === AF_INET ? ANY4 : '::';
}

export function iproute_add(
  stack: StackPointer,
  family: number,
  gw: string | null,
  dst: string | null = null,
  dst_prefixlen = 0,
  ifindex = 0,
): void {
  const attributes = routeAttributes(family, gw, dst, dst_prefixlen, ifindex);
  if (gw === null && ifindex === 0) throw invalidValue('gw', 'an address, or null together with an ifindex', gw);
  // IPv4 has a route without gateway in the scope of the link, as ip-route(8) makes it; IPv6 has no scopes of routes
  const scope = gw === null && family === AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  const unreachable = `no address of the stack reaches the gateway ${gw}, or its interface is down`;
  request(stack, 'RTM_NEWROUTE', rtmsg(family, dst_prefixlen, RT_TABLE_MAIN, RTPROT_BOOT, scope, RTN_UNICAST), {
    flags: NLM_F_ACK | NLM_F_EXCL | NLM_F_CREATE,
    attributes,
    hints: {
      ...(ifindex > 0 && missingLinkHints(ifindex)),
      EEXIST: 'the stack has this route; routes() lists them',
      ENETUNREACH: unreachable,
      EHOSTUNREACH: unreachable,
    },
  });
}

export function iproute_del(
  stack: StackPointer,
  family: number,
  gw: string | null,
  dst: string | null = null,
  dst_prefixlen = 0,
  ifindex = 0,
): void {
  const attributes = routeAttributes(family, gw, dst, dst_prefixlen, ifindex);
  const body = rtmsg(family, dst_prefixlen, RT_TABLE_MAIN, RTPROT_UNSPEC, RT_SCOPE_NOWHERE, RTN_UNICAST);
  const missing = 'the stack has no such route; routes() lists them';
  // Linux says ESRCH, picox one of the others
  request(stack, 'RTM_DELROUTE', body, { attributes, hints: { ESRCH: missing, ENODEV: missing, ENOENT: missing } });
}

/** Checks the arguments. */
function routeAttributes(
  family: number,
  gw: string | null,
  dst: string | null,
  dst_prefixlen: number,
  ifindex: number,
): Attribute[] {
  checkFamily(family);
  const gateway = gw === null ? undefined : inet_pton(family, gw);
  const network = dst === null ? undefined : inet_pton(family, dst);
  checkPrefixlen('dst_prefixlen', family, dst_prefixlen);
  checkInteger('ifindex', ifindex, 0, INT_MAX);
  const attributes: Attribute[] = [];
  if (dst_prefixlen > 0) {
    if (!network) throw invalidValue('dst', 'an address where dst_prefixlen is above 0', dst);
    attributes.push([RTA_DST, network]);
  } else if (network?.some((byte) => byte !== 0)) {
    // without its length it would become the default route
    throw invalidValue('dst_prefixlen', `above 0 for the network ${dst}`, dst_prefixlen);
  }
  if (gateway) attributes.push([RTA_GATEWAY, gateway]);
  if (ifindex > 0) attributes.push([RTA_OIF, ifindex]);
  return attributes;
}
