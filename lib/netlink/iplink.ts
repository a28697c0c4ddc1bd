/** Making and deleting links. */

import type { StackPointer } from '../../ffi/ioth.js';
import { IFLA_IFNAME, IFLA_INFO_DATA, IFLA_INFO_KIND, IFLA_LINKINFO } from '../constants/index.js';
import { IothError } from '../core/errors.js';
import { checkIfindex, checkInteger, checkString, INT_MAX, invalidType, invalidValue } from '../core/validate.js';
import { checkIfname } from './check.js';
import { IFLA_VDE_VNL, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL } from './constants.js';
import { if_nameindex } from './interfaces.js';
import { if_nametoindex, ifindexHints } from './link.js';
import { type Attribute, encodeAttributes, ifinfomsg } from './message.js';
import { refuseOwnInterface } from './own-interface.js';
import { request } from './request.js';

const NAME_ATTEMPTS = 5;

/**
 * Makes a link: ioth_iplink_add(3).
 * @param ifindex the index that it gets; -1 or 0 for any
 * @param type its kind: 'bridge', 'veth', 'vde'… The stack decides which there are
 * @param data the attributes of IFLA_INFO_DATA, which depend on the kind: [tag, value], where a number is an u32, a
 *   string gets a NUL after it, bytes go as they are and an array is nested attributes
 * @param ifname its name; without it the first free one of the kind: 'bridge0'
 * @returns its index
 * @throws {IothError} ENOTSUP for a kind that the stack does not know, EEXIST for a name or index in use
 */
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
  if (ifname !== null) return addNamed(stack, ifindex, type, data ?? [], checkNewIfname(ifname));
  // A name chosen here is how the index is found. Linux would choose one and tell it only since 6.2 (NLM_F_ECHO), and
  // what picox understands (IFLA_NEW_IFINDEX "") Linux refuses.
  let failure: unknown;
  let tried = -1;
  for (let attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
    const [free, number] = freeName(stack, type, tried + 1);
    try {
      return addNamed(stack, ifindex, type, data ?? [], free);
    } catch (error) {
      if (!(error instanceof IothError) || error.code !== 'EEXIST') throw error;
      failure = error;
      tried = number;
    }
  }
  throw failure;
}

/**
 * Makes a link that is joined to a virtual network, on the stacks that have it (picox): ioth_iplink_add(3).
 * @param vnl a virtual network locator, as vde_open(3) takes it
 */
export function iplink_add_vde(
  stack: StackPointer,
  ifindex: number,
  vnl: string,
  ifname: string | null = null,
): number {
  return iplink_add(stack, ifindex, 'vde', [[IFLA_VDE_VNL, checkString('vnl', vnl)]], ifname);
}

/**
 * Deletes a link: ioth_iplink_del(3).
 * @param own the names of interfaces that the stack itself needs
 * @throws {IothError} ENODEV; ENOTSUP for a link that cannot be deleted; EBUSY for one of `own`
 */
export function iplink_del(
  stack: StackPointer,
  link: { ifname?: string | null; ifindex?: number | null },
  own: readonly string[] = [],
): void {
  if (typeof link !== 'object' || link === null) throw invalidType('link', 'an object { ifname, ifindex }', link);
  const { ifname = null, ifindex = null } = link;
  if (ifname === null && ifindex === null) throw invalidValue('link', 'an object with ifname or ifindex', link);
  const index = ifindex === null ? 0 : checkIfindex('ifindex', ifindex);
  const attributes: Attribute[] = ifname === null ? [] : [[IFLA_IFNAME, checkIfname(ifname)]];
  refuseOwnInterface(stack, own, link);
  const hints =
    index === 0 ? { ENODEV: `no interface is named '${ifname}'; if_nameindex() lists them` } : ifindexHints(index);
  request(stack, 'RTM_DELLINK', ifinfomsg(index), { attributes, hints });
}

/** The value of VETH_INFO_PEER in the data of a 'veth': the other end of the pair. */
export function vethPeer(ifname: string): Buffer {
  return Buffer.concat([ifinfomsg(), encodeAttributes([[IFLA_IFNAME, checkNewIfname(ifname)]])]);
}

function addNamed(
  stack: StackPointer,
  ifindex: number,
  type: string,
  data: readonly Attribute[],
  ifname: string,
): number {
  const info: Attribute[] = [[IFLA_INFO_KIND, type]];
  if (data.length > 0) info.push([IFLA_INFO_DATA, data]);
  request(stack, 'RTM_NEWLINK', ifinfomsg(Math.max(ifindex, 0)), {
    flags: NLM_F_ACK | NLM_F_EXCL | NLM_F_CREATE,
    attributes: [
      [IFLA_IFNAME, ifname],
      [IFLA_LINKINFO, info],
    ],
    hints: {
      ENOTSUP: `the stack has no links of kind '${type}'`,
      EEXIST: `an interface has the name '${ifname}'${ifindex > 0 ? ` or the index ${ifindex}` : ''} already`,
      EBUSY: `an interface has the index ${ifindex} already`,
    },
  });
  return if_nametoindex(stack, ifname);
}

// the kernel takes % for a pattern that it fills in
function checkNewIfname(value: unknown): string {
  const ifname = checkIfname(value);
  if (ifname.includes('%')) throw invalidValue('ifname', "a name without '%'", ifname);
  return ifname;
}

function freeName(stack: StackPointer, type: string, start: number): [name: string, number: number] {
  const taken = new Set(if_nameindex(stack).map(([, name]) => name));
  const stem = type.replace(/\W/g, '').slice(0, 10) || 'link';
  let number = start;
  while (taken.has(`${stem}${number}`)) number++;
  return [`${stem}${number}`, number];
}
