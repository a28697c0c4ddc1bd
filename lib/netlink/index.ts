/** Configuration of a stack over rtnetlink: what nlinline does in C, and what the stack has. */
export { type AddressOptions, ipaddr_add, ipaddr_del } from './address.js';
export { getifaddrs, type IfAddress, type IfAddrs } from './getifaddrs.js';
export {
  addressesOf,
  type Interface,
  type InterfaceAddress,
  if_nameindex,
  interfaces,
  type Link,
} from './interfaces.js';
export { iplink_add, iplink_add_vde, iplink_del, vethPeer } from './iplink.js';
export {
  findLink,
  if_indextoname,
  if_nametoindex,
  linkgetaddr,
  linksetaddr,
  linksetmtu,
  linksetupdown,
} from './link.js';
export type { Attribute, AttributeValue } from './message.js';
export { iproute_add, iproute_del } from './route.js';
export { type Route, routes } from './routes.js';
