/** Configuration of a stack over rtnetlink: what nlinline does in C, and what the stack has. */
export {
  type AddressOptions,
  addresses,
  type InterfaceAddress,
  ipaddr_add,
  ipaddr_del,
  type StackAddress,
} from './address.js';
export { getifaddrs, type IfAddress, type IfAddrs } from './getifaddrs.js';
export { type Interface, interfaces } from './interfaces.js';
export { iplink_add, iplink_add_vde, iplink_del, vethPeer } from './iplink.js';
export {
  findLink,
  if_indextoname,
  if_nameindex,
  if_nametoindex,
  type Link,
  linkgetaddr,
  linksetaddr,
  linksetmtu,
  linksetupdown,
} from './link.js';
export type { Attribute, AttributeValue } from './message.js';
export { iproute_add, iproute_del, type Route, routes } from './route.js';
