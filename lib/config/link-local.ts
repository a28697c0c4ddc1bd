import { ipBytes, isLinkLocalIPv6 } from '../address/ip.js';
import { AF_INET6 } from '../constants/index.js';
import type { StackInterface } from './stack-interface.js';

/**
 * The link-local address of an interface, ready to be used; null where it has none. The kernel makes one when the
 * interface goes up and then looks for duplicates for up to two seconds, during which nothing can be sent from it: here
 * it is replaced by the same address without that search, as static addresses are added without it.
 */
export function readyLinkLocal(host: StackInterface, ifindex: number): string | null {
  const found = host.addressesOf(ifindex).find(({ address }) => isLinkLocalIPv6(ipBytes(address)));
  if (!found) return null;
  if (found.tentative) {
    host.ipaddr_del(AF_INET6, found.address, found.prefixlen, ifindex);
    host.ipaddr_add(AF_INET6, found.address, found.prefixlen, ifindex);
  }
  return found.address;
}
