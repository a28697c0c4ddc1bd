import { ipBytes, isLinkLocalIPv6 } from '../address/ip.js';
import { AF_INET6 } from '../constants/socket.js';
import type { StackInterface } from '../dns/stack-interface.js';

/**
 * Returns the link-local address of an interface, ready to use; null if there is none. The kernel makes one when the
 * interface goes up. Then it looks for duplicates for up to two seconds, and the address cannot send. This function
 * replaces the address by itself without that search, as static addresses are added without it.
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
