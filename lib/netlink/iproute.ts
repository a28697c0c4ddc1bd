/** Adding and deleting routes. */

import type { StackPointer } from '../../ffi/ioth.js';
import { checkFamily, checkPrefixlen, inet_pton } from '../address/inet.js';
import { checkInterface } from '../address/interface-name.js';
import { AF_INET } from '../constants/socket.js';
import { invalidType, invalidValue } from '../core/validate.js';
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, RTA, RTAX_MTU, RTPROT_UNSPEC } from './constants.js';
import { type InterfaceRef, indexOf, missingLinkHints } from './link.js';
import { type Attribute, rtmsg } from './message.js';
import { request } from './request.js';
import { FLAGS, PROTOCOLS, SCOPES, TABLES, TYPES } from './route-names.js';
import { parseRoute, type RouteRequest } from './route-text.js';

type CForm = [family: number, gw: string | null, dst?: string | null, dst_prefixlen?: number, ifindex?: InterfaceRef];
/** The arguments of C, or one text in the syntax of ip-route(8). */
export type RouteArguments = CForm | [route: string];

export function iproute_add(stack: StackPointer, ...args: RouteArguments): void {
  const route = requestOf(args);
  const { family, gw, ifindex, onlink, protocol = PROTOCOLS.boot } = route;
  if (gw === null && ifindex === undefined) throw noWay(args);
  // an IPv4 route without a gateway has link scope, as with ip-route(8); IPv6 routes have no scope
  const scope = route.scope ?? (gw === null && family === AF_INET ? SCOPES.link : SCOPES.global);
  const unreachable = `no address of the stack reaches the gateway ${gw}, or its interface is down`;
  const header = [TABLES.main, protocol, scope, TYPES.unicast, onlink ? FLAGS.onlink : 0] as const;
  request(stack, 'RTM_NEWROUTE', rtmsg(family, route.dst_prefixlen, ...header), {
    flags: NLM_F_ACK | NLM_F_EXCL | NLM_F_CREATE,
    attributes: attributesOf(stack, route),
    hints: {
      ...(ifindex !== undefined && missingLinkHints(ifindex)),
      EEXIST: 'the stack already has this route; routes() lists them',
      ENETUNREACH: unreachable,
      EHOSTUNREACH: unreachable,
    },
  });
}

export function iproute_del(stack: StackPointer, ...args: RouteArguments): void {
  const route = requestOf(args);
  const { family, dst_prefixlen, protocol = RTPROT_UNSPEC, scope = SCOPES.nowhere } = route;
  const missing = 'the stack has no such route; routes() lists them';
  request(stack, 'RTM_DELROUTE', rtmsg(family, dst_prefixlen, TABLES.main, protocol, scope, TYPES.unicast), {
    attributes: attributesOf(stack, route),
    // Linux fails with ESRCH, picox with one of the others
    hints: { ESRCH: missing, ENODEV: missing, ENOENT: missing },
  });
}

/** Checks the arguments, but not that the stack has the interface. */
function requestOf(args: RouteArguments): RouteRequest {
  const [first, ...others] = args as [unknown, ...unknown[]];
  if (typeof first !== 'string') return cFormRequest(...(args as CForm));
  if (others.every((other) => other === undefined)) return parseRoute(first);
  throw invalidType('family', "AF_INET (2) or AF_INET6 (10), or one string as 'default via 10.0.0.254'", first);
}

function cFormRequest(...[family, gw, dst = null, dst_prefixlen = 0, ifindex = 0]: CForm): RouteRequest {
  checkFamily(family);
  if (gw !== null) inet_pton(family, gw);
  const network = dst === null ? undefined : inet_pton(family, dst);
  checkPrefixlen('dst_prefixlen', family, dst_prefixlen);
  if (dst_prefixlen > 0) {
    if (!network) throw invalidValue('dst', 'an address where dst_prefixlen is above 0', dst);
  } else if (network?.some((byte) => byte !== 0)) {
    // without a length it would become the default route
    throw invalidValue('dst_prefixlen', `above 0 for the network ${dst}`, dst_prefixlen);
  }
  const route: RouteRequest = { family, dst, dst_prefixlen, gw };
  if (ifindex !== 0) route.ifindex = checkInterface(ifindex);
  return route;
}

function noWay([first]: RouteArguments): TypeError {
  if (typeof first === 'string') return invalidValue('route', "a route with 'via' or 'dev'", first);
  return invalidValue('gw', 'an address, or null together with an ifindex', null);
}

/** Returns the attributes. Asks the stack for the index of an interface that is given by name. */
function attributesOf(stack: StackPointer, route: RouteRequest): Attribute[] {
  const { family, dst, dst_prefixlen, gw, gwFamily = family, ifindex } = route;
  const attributes: Attribute[] = [];
  if (dst !== null && dst_prefixlen > 0) attributes.push([RTA.DST, inet_pton(family, dst)]);
  if (gw !== null) {
    const gateway = inet_pton(gwFamily, gw);
    attributes.push(gwFamily === family ? [RTA.GATEWAY, gateway] : [RTA.VIA, viaBytes(gwFamily, gateway)]);
  }
  if (route.src !== undefined) attributes.push([RTA.PREFSRC, inet_pton(family, route.src)]);
  if (route.metric !== undefined) attributes.push([RTA.PRIORITY, route.metric]);
  if (route.mtu !== undefined) attributes.push([RTA.METRICS, [[RTAX_MTU, route.mtu]]]);
  if (route.pref !== undefined) attributes.push([RTA.PREF, Uint8Array.of(route.pref)]);
  if (ifindex !== undefined) attributes.push([RTA.OIF, indexOf(stack, ifindex)]);
  return attributes;
}

/** Returns a struct rtvia: a family of 16 bits, and the address. */
function viaBytes(family: number, address: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(Uint16Array.of(family).buffer), address]);
}
