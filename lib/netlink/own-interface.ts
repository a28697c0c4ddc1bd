import type { StackPointer } from '../../ffi/ioth.js';
import { IothError } from '../core/errors.js';
import { links } from './interfaces.js';

/**
 * The daemon of a vdestack holds a tap for each network that the stack joined, and polls it without end once it is deleted:
 * so these are not deleted. A tap is the only 'tun' link of a new namespace. One of ours that is not found by its name was
 * renamed, from inside the namespace: then no tap is let go.
 * @param own the names with which the interfaces were made
 * @throws {IothError} EBUSY
 */
export function refuseOwnInterface(
  stack: StackPointer,
  own: readonly string[],
  { ifname, ifindex }: { ifname?: string | null; ifindex?: number | null },
): void {
  if (own.length === 0) return;
  const taps = links(stack).filter(({ kind }) => kind === 'tun');
  // the kernel goes by the index where it gets both
  const link = taps.find((tap) => (ifindex ? tap.ifindex === ifindex : tap.name === ifname));
  if (!link) return;
  const areAllNamed = own.every((name) => taps.some((tap) => tap.name === name));
  if (areAllNamed && !own.includes(link.name)) return;
  throw new IothError('EBUSY', {
    syscall: 'RTM_DELLINK',
    hint: `${link.name} joins the stack to its network: linksetupdown(${link.ifindex}, false) takes it off, close() ends the stack`,
  });
}
