/** Adding and deleting links. */

import type { StackPointer } from '../../ffi/ioth.js';
import { checkIfname } from '../address/interface-name.js';
import { IFLA_IFNAME, IFLA_INFO_DATA, IFLA_INFO_KIND, IFLA_LINKINFO } from '../constants/link.js';
import { IothError } from '../core/errors.js';
import { checkIfindex, checkInteger, checkString, INT_MAX, invalidType, invalidValue } from '../core/validate.js';
import { IFLA_VDE_VNL, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL } from './constants.js';
import {
  findLink,
  type InterfaceRef,
  if_nameindex,
  if_nametoindex,
  isOfWire,
  links,
  missingLinkHints,
} from './link.js';
import { type Attribute, encodeAttributes, ifinfomsg } from './message.js';
import { request } from './request.js';

const NAME_ATTEMPTS = 5;

export function iplink_add(
  stack: StackPointer,
  ifindex: number,
  type: string,
  data: readonly Attribute[] | null = null,
  ifname: string | null = null,
): number {
  checkInteger('ifindex', ifindex, -1, INT_MAX);
  if (checkString('type', type) === '') throw invalidValue('type', "a kind of link such as 'bridge'", type);
  if (data !== null && !Array.isArray(data)) throw invalidType('data', 'an array of [tag, value]', data);
  const info: Attribute[] = [[IFLA_INFO_KIND, type]];
  if (data && data.length > 0) info.push([IFLA_INFO_DATA, data]);
  const add = (name: string): number => {
    request(stack, 'RTM_NEWLINK', ifinfomsg(Math.max(ifindex, 0)), {
      flags: NLM_F_ACK | NLM_F_EXCL | NLM_F_CREATE,
      attributes: [
        [IFLA_IFNAME, name],
        [IFLA_LINKINFO, info],
      ],
      hints: {
        ENOTSUP: `the stack has no links of kind '${type}'`,
        EEXIST: `an interface already has the name '${name}'${ifindex > 0 ? ` or the index ${ifindex}` : ''}`,
        EBUSY: `an interface already has the index ${ifindex}`,
      },
    });
    return if_nametoindex(stack, name);
  };
  return ifname === null ? withFreeName(stack, type, add) : add(checkNewIfname(ifname));
}

export function iplink_add_vde(
  stack: StackPointer,
  ifindex: number,
  vnl: string,
  ifname: string | null = null,
): number {
  return iplink_add(stack, ifindex, 'vde', [[IFLA_VDE_VNL, checkString('vnl', vnl)]], ifname);
}

/** Deletes a link. @param own the names of interfaces that the stack itself needs */
export function iplink_del(
  stack: StackPointer,
  link: { ifname?: string | null; ifindex?: number | null } | InterfaceRef,
  own: readonly string[] = [],
): void {
  const { ifname = null, ifindex = null } = namesOf(link);
  if (ifindex !== null) checkIfindex('ifindex', ifindex);
  if (ifname !== null) checkIfname(ifname);
  // the kernel uses the index if it gets both
  const which = ifindex ?? ifname;
  if (which === null) throw invalidValue('link', 'an object with ifname or ifindex', link);
  refuseOwnInterface(stack, own, which);
  const attributes: Attribute[] = ifname === null ? [] : [[IFLA_IFNAME, ifname]];
  request(stack, 'RTM_DELLINK', ifinfomsg(ifindex ?? 0), { attributes, hints: missingLinkHints(which) });
}

/**
 * Refuses to delete an interface that the stack needs. The daemon of a vdestack has a tap for each network that the stack
 * joined, and would poll a deleted tap without end. A tap is the only 'tun' link of a new namespace. If one of `own` is not
 * found by its name, it was renamed from inside the namespace: then no tap is deleted.
 * @param own the original names of the stack's interfaces
 * @param which the index or the name of the interface to delete
 * @throws {IothError} EBUSY
 */
function refuseOwnInterface(stack: StackPointer, own: readonly string[], which: InterfaceRef): void {
  if (own.length === 0) return;
  const link = findLink(stack, which);
  if (!link || !(isOfWire(link) || link.kind === 'tun')) return;
  if (link.kind === 'tun' && !own.includes(link.name)) {
    const taps = links(stack).filter(({ kind }) => kind === 'tun');
    if (own.every((name) => taps.some((tap) => tap.name === name))) return;
  }
  throw new IothError('EBUSY', {
    syscall: 'RTM_DELLINK',
    hint: `${link.name} joins the stack to its network: linksetupdown(${link.ifindex}, false) disconnects it, close() ends the stack`,
  });
}

function namesOf(link: unknown): { ifname?: string | null; ifindex?: number | null } {
  if (typeof link === 'string') return { ifname: link };
  if (typeof link === 'number') return { ifindex: link };
  if (typeof link === 'object' && link !== null) return link;
  throw invalidType('link', 'a name, an index, or an object { ifname, ifindex }', link);
}

/**
 * Returns the value of VETH_INFO_PEER in the `data` of {@link Stack.iplink_add} for a 'veth': a struct ifinfomsg and the name
 * of the other end.
 * @param ifname the name of the other end, at most 15 bytes
 * @throws {TypeError} for a name that no interface can have
 */
export function vethPeer(ifname: string): Buffer {
  return Buffer.concat([ifinfomsg(), encodeAttributes([[IFLA_IFNAME, checkNewIfname(ifname)]])]);
}

// the kernel reads % as a pattern, and fills it in
function checkNewIfname(value: unknown): string {
  const ifname = checkIfname(value);
  if (ifname.includes('%')) throw invalidValue('ifname', "a name without '%'", ifname);
  return ifname;
}

/**
 * Tries free names ('bridge0') until no other thread takes the name first. The index is then looked up by that name. Linux
 * reports a name of its own choice only since 6.2 (NLM_F_ECHO), and refuses what picox understands (IFLA_NEW_IFINDEX "").
 */
function withFreeName(stack: StackPointer, type: string, add: (name: string) => number): number {
  const stem = type.replace(/\W/g, '').slice(0, 10) || 'link';
  let number = 0;
  for (let attempt = 1; ; attempt++) {
    const taken = new Set(if_nameindex(stack).map(([, name]) => name));
    while (taken.has(`${stem}${number}`)) number++;
    try {
      return add(`${stem}${number++}`);
    } catch (error) {
      if (attempt === NAME_ATTEMPTS || !(error instanceof IothError) || error.code !== 'EEXIST') throw error;
    }
  }
}
