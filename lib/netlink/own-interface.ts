import type { StackPointer } from '../../ffi/ioth.js';
import { IothError } from '../core/errors.js';
import { findLink, links } from './link.js';

/**
 * The daemon of a vdestack has a tap for each network that the stack joined, and polls it without end once it is
 * deleted: so these are not deleted. A tap is the only 'tun' link of a new namespace. Where one of `own` is not found by
 * its name it was renamed, from inside the namespace: then no tap is deleted.
 * @param own the names with which the interfaces were made
 * @param which index or name of the interface that shall go
 */
export function refuseOwnInterface(stack: StackPointer, own: readonly string[], which: number | string): void {
  if (own.length === 0) return;
  const link = findLink(stack, which);
  if (link?.kind !== 'tun') return;
  if (!own.includes(link.name)) {
    const taps = links(stack).filter(({ kind }) => kind === 'tun');
    if (own.every((name) => taps.some((tap) => tap.name === name))) return;
  }
  throw new IothError('EBUSY', {
    syscall: 'RTM_DELLINK',
    hint: `${link.name} joins the stack to its network: linksetupdown(${link.ifindex}, false) takes it off, close() ends the stack`,
  });
}
