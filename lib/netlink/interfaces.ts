import type { StackPointer } from '../../ffi/ioth.js';
import { familyName } from '../address/ip.js';
import { addresses, type InterfaceAddress } from './address.js';
import { type InterfaceLink, links } from './link.js';

/** A link with its addresses. */
export interface Interface extends InterfaceLink {
  addresses: InterfaceAddress[];
}

/** Returns the interfaces of the stack, ordered by index. Makes two dumps. */
export function interfaces(stack: StackPointer): Interface[] {
  const found = links(stack).map((link): Interface => ({ ...link, addresses: [] }));
  const byIndex = new Map(found.map((each) => [each.ifindex, each]));
  for (const { ifindex, family, ...address } of addresses(stack)) {
    byIndex.get(ifindex)?.addresses.push({ family: familyName(family), ...address });
  }
  return found;
}
