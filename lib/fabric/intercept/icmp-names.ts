import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from '../../constants/inet.js';
import { checkInteger, invalidType, invalidValue, quoted } from '../../core/validate.js';

/** A kind of ICMP message, by the same name in IPv4 and IPv6. */
export type IcmpName = keyof typeof NAMES;

/** A kind of message. */
export interface IcmpPlan {
  readonly protocol: number;
  readonly type: number;
  /** -1 for any. */
  readonly code: number;
  /** A code that is another kind of message; -1 for none. */
  readonly notCode: number;
}

/** Type and code of RFC 792, and of RFC 4443 and RFC 4861. */
interface Kind {
  icmp?: readonly [type: number, code?: number];
  icmp6?: readonly [type: number, code?: number];
}

const FRAGMENTATION_NEEDED = 4;
const UNREACHABLE = 3;

const NAMES = {
  'echo-request': { icmp: [8], icmp6: [128] },
  'echo-reply': { icmp: [0], icmp6: [129] },
  /** Any destination unreachable; in IPv4 all codes but that of 'too-big'. */
  unreachable: { icmp: [UNREACHABLE], icmp6: [1] },
  'net-unreachable': { icmp: [UNREACHABLE, 0], icmp6: [1, 0] },
  'host-unreachable': { icmp: [UNREACHABLE, 1], icmp6: [1, 3] },
  'port-unreachable': { icmp: [UNREACHABLE, 3], icmp6: [1, 4] },
  'too-big': { icmp: [UNREACHABLE, FRAGMENTATION_NEEDED], icmp6: [2] },
  'time-exceeded': { icmp: [11], icmp6: [3] },
  'parameter-problem': { icmp: [12], icmp6: [4] },
  redirect: { icmp: [5], icmp6: [137] },
  'router-solicitation': { icmp: [10], icmp6: [133] },
  'router-advertisement': { icmp: [9], icmp6: [134] },
  'neighbor-solicitation': { icmp6: [135] },
  'neighbor-advertisement': { icmp6: [136] },
} as const satisfies Record<string, Kind>;

/**
 * Checks a kind of message.
 * @param protocols the protocols that the match names
 */
export function checkIcmp(name: string, value: unknown, protocols: readonly number[] | undefined): IcmpPlan[] {
  const families = [IPPROTO_ICMP, IPPROTO_ICMPV6].filter((protocol) => protocols?.includes(protocol) ?? true);
  if (typeof value === 'number') {
    checkInteger(name, value, 0, 255);
    if (families.length === 1) return [planOf(families[0]!, value)];
    throw invalidValue(name, "a number only with the protocol 'icmp' or 'icmp6': the numbers of both differ", value);
  }
  if (typeof value !== 'string') throw invalidType(name, 'the name of an ICMP message, or its type', value);
  if (!Object.hasOwn(NAMES, value)) {
    throw invalidValue(name, quoted(Object.keys(NAMES)), value);
  }
  const { icmp, icmp6 }: Kind = NAMES[value as IcmpName];
  const plans: IcmpPlan[] = [];
  if (icmp && families.includes(IPPROTO_ICMP)) plans.push(planOf(IPPROTO_ICMP, ...icmp));
  if (icmp6 && families.includes(IPPROTO_ICMPV6)) plans.push(planOf(IPPROTO_ICMPV6, ...icmp6));
  if (plans.length === 0) throw invalidValue(name, "a message of the protocol: it exists only as 'icmp6'", value);
  return plans;
}

function planOf(protocol: number, type: number, code = -1): IcmpPlan {
  const hasTooBig = protocol === IPPROTO_ICMP && type === UNREACHABLE && code < 0;
  return { protocol, type, code, notCode: hasTooBig ? FRAGMENTATION_NEEDED : -1 };
}
