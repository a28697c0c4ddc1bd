/** Configuration of a stack over rtnetlink, as nlinline does it in C, and lists of the stack's configuration. */
export { addresses, type InterfaceAddress, type StackAddress } from './address.js';
export { interfaceLines } from './interface-lines.js';
export { getifaddrs, type IfAddress, type IfAddrs, type Interface, interfaces } from './interfaces.js';
export {
  type AddAddressArguments,
  type AddressOptions,
  type DelAddressArguments,
  ipaddr_add,
  ipaddr_del,
} from './ipaddr.js';
export { iplink_add, iplink_add_vde, iplink_del, vethPeer } from './iplink.js';
export { iproute_add, iproute_del, type RouteArguments } from './iproute.js';
export {
  findLink,
  type InterfaceLink,
  type InterfaceRef,
  if_indextoname,
  if_nameindex,
  if_nametoindex,
  linkgetaddr,
  linksetaddr,
  linksetmtu,
  linksetupdown,
  VDE_MTU_MAX,
} from './link.js';
export type { Attribute, AttributeValue } from './message.js';
export { type Route, routes } from './route.js';
export { routeLines } from './route-lines.js';
