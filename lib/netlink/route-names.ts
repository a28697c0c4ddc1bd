/** The names of ip-route(8) for numbers in routes: linux/rtnetlink.h, and rt_protos and rt_scopes of ip-route(8). */

type Names = Readonly<Record<string, number>>;

export const PROTOCOLS = {
  redirect: 1,
  kernel: 2,
  boot: 3,
  static: 4,
  gated: 8,
  ra: 9,
  mrt: 10,
  zebra: 11,
  bird: 12,
  dnrouted: 13,
  xorp: 14,
  ntk: 15,
  dhcp: 16,
  keepalived: 18,
  babel: 42,
  bgp: 186,
  isis: 187,
  ospf: 188,
  rip: 189,
  eigrp: 192,
};
export const SCOPES = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 };
export const TABLES = { default: 253, main: 254, local: 255 };
export const TYPES = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
  nat: 10,
};
/** The flags of a next hop: RTNH_F_*. */
export const FLAGS = { dead: 1, onlink: 4, linkdown: 16 };
/** Router preferences: RFC 4191, section 2.1. */
export const PREFERENCES = { low: 3, medium: 0, high: 1 } as const;
export type RoutePreference = keyof typeof PREFERENCES;

/** Returns the name of a number; its digits if it has no name. */
export function nameOf(names: Names, number: number): string {
  return Object.keys(names).find((name) => names[name] === number) ?? String(number);
}

export function preferenceName(value: number | undefined): RoutePreference | undefined {
  const names = Object.keys(PREFERENCES) as RoutePreference[];
  return names.find((name) => PREFERENCES[name] === value);
}
