import type { LinkRate } from './rate.js';

/** The figures of a kind of link, in one direction; docs/links.md has their sources. */
interface Profile {
  readonly delay: number;
  readonly jitter?: number;
  readonly loss?: { readonly p: number; readonly r: number };
  readonly rate?: LinkRate;
  readonly queue?: { readonly ms: number };
  /** The rate of a host's own link towards the network, if it is a lower one. */
  readonly upRate?: LinkRate;
}

/** Losses in bursts of a mean length, in frames, for a share of all frames. */
function bursts(share: number, length: number): { p: number; r: number } {
  const r = 1 / length;
  return { p: (share * r) / (1 - share), r };
}

/** The kinds of links by name. */
export const PROFILES = {
  lan: { delay: 1 },
  wifi: { delay: 4, jitter: 2, loss: bursts(0.001, 5), rate: '200mbit', queue: { ms: 15 } },
  'wifi-bad': { delay: 25, jitter: 15, loss: bursts(0.015, 8), rate: '25mbit', queue: { ms: 60 } },
  dsl: { delay: 12, jitter: 2, rate: '16mbit', queue: { ms: 150 }, upRate: '1mbit' },
  '3g': { delay: 80, jitter: 25, loss: bursts(0.005, 6), rate: '3mbit', queue: { ms: 250 }, upRate: '768kbit' },
  '4g': { delay: 25, jitter: 10, loss: bursts(0.003, 6), rate: '40mbit', queue: { ms: 100 }, upRate: '10mbit' },
  '5g': { delay: 12, jitter: 5, loss: bursts(0.001, 6), rate: '160mbit', queue: { ms: 50 }, upRate: '20mbit' },
  satellite: { delay: 22, jitter: 10, loss: bursts(0.005, 4), rate: '100mbit', queue: { ms: 50 }, upRate: '14mbit' },
  'geo-satellite': {
    delay: 300,
    jitter: 20,
    loss: bursts(0.003, 4),
    rate: '25mbit',
    queue: { ms: 600 },
    upRate: '3mbit',
  },
} as const satisfies Record<string, Profile>;

/** The name of a kind of link. */
export type LinkProfile = keyof typeof PROFILES;

/** Returns the faults of a kind of link. @param isUp true for a host's own link towards the network */
export function faultsOfProfile(name: LinkProfile, isUp: boolean): Omit<Profile, 'upRate'> {
  const { upRate, ...faults }: Profile = PROFILES[name];
  return isUp && upRate !== undefined ? { ...faults, rate: upRate } : faults;
}
