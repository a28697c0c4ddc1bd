import type { StackPointer } from '../../ffi/ioth.js';
import { inet_pton } from '../address/inet.js';
import { AF_INET } from '../constants/index.js';
import { checkInteger, INT_MAX, invalidValue } from '../core/validate.js';
import { checkFamily, checkPrefixlen } from './check.js';
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
  RTA_OIF,
  RTN_UNICAST,
  RTPROT_BOOT,
  RTPROT_UNSPEC,
} from './constants.js';
import { ifindexHints } from './link.js';
import { type Attribute, rtmsg } from './message.js';
import { request } from './request.js';

/**
 * Adds a route to the main table: ioth_iproute_add(3), with the gateway first.
 * @param family AF_INET or AF_INET6
 * @param gw the gateway; null for what is reached on the link itself, which needs `ifindex`
 * @param dst the network; null for the default route
 * @param ifindex the interface; 0 leaves it to the gateway
 * @throws {IothError} EEXIST; ENETUNREACH or EHOSTUNREACH where no address of the stack reaches the gateway; ENODEV
 */
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
  const body = rtmsg(family, dst_prefixlen, RT_TABLE_MAIN, RTPROT_BOOT, scope, RTN_UNICAST);
  const unreachable = `no address of the stack reaches the gateway ${gw}, or its interface is down`;
  request(stack, 'RTM_NEWROUTE', body, {
    flags: NLM_F_ACK | NLM_F_EXCL | NLM_F_CREATE,
    attributes,
    hints: {
      ...(ifindex > 0 ? ifindexHints(ifindex) : {}),
      EEXIST: 'the stack has this route; routes() lists them',
      ENETUNREACH: unreachable,
      EHOSTUNREACH: unreachable,
    },
  });
}

/**
 * Deletes a route of the main table, whoever made it: ioth_iproute_del(3), with the gateway first.
 * @param gw null for any, except on picox
 * @throws {IothError} ESRCH where there is no such route
 */
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
