import type { StackPointer } from '../../ffi/ioth.js';
import { IothError } from '../core/errors.js';
import { findLink, links } from './link.js';

/**
 * Refuses to delete an interface that the stack needs. The daemon of a vdestack has a tap for each network that the stack
 * joined, and would poll a deleted tap without end. A tap is the only 'tun' link of a new namespace. If one of `own` is not
 * found by its name, it was renamed from inside the namespace: then no tap is deleted.
 * @param own the original names of the stack's interfaces
 * @param which the index or the name of the interface to delete
 * @throws {IothError} EBUSY
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
    hint: `${link.name} joins the stack to its network: linksetupdown(${link.ifindex}, false) disconnects it, close() ends the stack`,
  });
}
