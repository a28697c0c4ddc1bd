import {
  checkBoolean,
  checkInteger,
  checkKeys,
  checkMilliseconds,
  checkOneOf,
  checkOptions,
  INT_MAX,
  invalidType,
  invalidValue,
  outOfRange,
} from '../core/validate.js';
import { withoutUndefined } from '../core/without-undefined.js';
import { DISTRIBUTIONS, type Distribution } from './distribution.js';
import { faultsOfProfile, type LinkProfile, PROFILES } from './profiles.js';
import { checkQueue, type QueueLimit, type QueueType } from './queue-limit.js';
import { checkRate, type LinkRate } from './rate.js';

/** Losses in bursts, by the Gilbert-Elliott model with a good and a bad state: `loss gemodel` of tc-netem(8). */
export interface BurstLoss {
  /** The probability, at each frame, that the good state ends. */
  p: number;
  /** The probability, at each frame, that the bad state ends. */
  r: number;
  /** The probability that a frame arrives in the bad state. Default 0. */
  h?: number;
  /** The probability that a frame arrives in the good state. Default 1. */
  k?: number;
}

/** Faults of the frames of one direction, with the names, units and meanings of tc-netem(8). */
export interface LinkFaults {
  /** The faults of a kind of link, such as '4g'; docs/links.md lists them. What is given beside it replaces its own. */
  profile?: LinkProfile;
  /** The delay of a frame, in milliseconds. Default 0. */
  delay?: number;
  /** The deviation of the delay, in milliseconds. If it is large, frames overtake each other. Default 0. */
  jitter?: number;
  /** The distribution of the jitter: 'normal' and 'pareto' scale with it. Default: 'uniform', from -jitter to +jitter. */
  distribution?: Distribution;
  /**
   * True if frames keep their order despite the jitter: those behind a slow one arrive with it. `reorder` still sends frames
   * ahead. Default: true with a rate, as in netem, else false.
   */
  order?: boolean;
  /** The probability that a frame is lost, 0 to 1, or bursts of losses. Default 0. */
  loss?: number | BurstLoss;
  /** The probability that a frame arrives twice, 0 to 1. Default 0. */
  duplicate?: number;
  /** The probability that a frame is sent at once, without the delay, 0 to 1. Default 0. */
  reorder?: number;
  /** A frame may be sent at once only if `gap` - 1 frames before it were delayed. Default 1: any frame may. */
  gap?: number;
  /** The probability that one bit of a frame is flipped, 0 to 1. Default 0. */
  corrupt?: number;
  /** The rate of the link: bits per second, at least 1, or text in the units of tc(8), such as '10mbit'. Default: no limit. */
  rate?: number | LinkRate;
  /** The number of bytes that may be sent faster than the rate after a pause. Default 0. */
  burst?: number;
  /**
   * The limit of what waits for the rate: a number of frames, `{ frames, bytes, ms }`, or 'codel'. Frames beyond it are lost.
   * Default 1000.
   */
  queue?: number | QueueType | QueueLimit;
}

const MAX_DELAY_MS = 3_600_000;

/** The check of each option. It gets the option's name and value, and returns the value or its default. */
const CHECKS = {
  delay: checkDelay,
  jitter: checkDelay,
  distribution: checkDistribution,
  /** Undefined for the default. */
  order: (name: string, value: unknown) => (value === undefined ? undefined : checkBoolean(name, value)),
  loss: checkLoss,
  duplicate: checkChance,
  reorder: checkChance,
  gap: (name: string, value: unknown) => (value === undefined ? 1 : checkCount(name, value, 1)),
  corrupt: checkChance,
  /** Bits per second; 0 for no limit. */
  rate: (name: string, value: unknown) => (value === undefined ? 0 : checkRate(name, value)),
  burst: (name: string, value: unknown) => checkCount(name, value ?? 0, 0),
  queue: checkQueue,
} satisfies Record<Fault, (name: string, value: unknown) => unknown>;

type Fault = Exclude<keyof LinkFaults, 'profile'>;
const FAULTS = Object.keys(CHECKS) as readonly Fault[];

/** The names of the options of {@link LinkFaults}. */
export const FAULT_NAMES: readonly (keyof LinkFaults)[] = ['profile', ...FAULTS];

/** {@link LinkFaults}, checked, and with all defaults. */
export type FaultPlan = { readonly [Option in Fault]: ReturnType<(typeof CHECKS)[Option]> };

/**
 * Checks faults, and adds the defaults.
 * @param isUp true for a host's own link towards the network: a profile may have a lower rate there
 * @returns undefined if the faults do nothing to any frame
 * @throws {TypeError | RangeError} naming the option
 */
export function checkFaults(faults: LinkFaults | undefined, where = 'faults', isUp = false): FaultPlan | undefined {
  const given = withoutUndefined(checkOptions(faults, FAULT_NAMES));
  const name = (option: keyof LinkFaults) => `${where}.${option}`;
  const all: LinkFaults = { ...checkProfile(name('profile'), given.profile, isUp), ...given };
  const checked = FAULTS.map((fault) => [fault, CHECKS[fault](name(fault), all[fault])]);
  const plan: FaultPlan = Object.fromEntries(checked);
  checkTogether(given, plan, name);
  const hasFaults = plan.delay + plan.jitter + plan.duplicate + plan.corrupt + plan.rate > 0 || plan.loss !== undefined;
  return hasFaults ? { ...plan, order: plan.order ?? plan.rate > 0 } : undefined;
}

/** Refuses combinations that tc(8) refuses, or that would have no effect. */
function checkTogether(given: LinkFaults, plan: FaultPlan, name: (option: keyof LinkFaults) => string): void {
  if (plan.reorder > 0 && plan.delay === 0) {
    throw invalidValue(name('reorder'), 'used with a delay, which reordered frames skip', given.reorder);
  }
  if (given.gap !== undefined && plan.reorder === 0) throw invalidValue(name('gap'), 'used with reorder', given.gap);
  for (const option of ['distribution', 'order'] as const) {
    if (given[option] !== undefined && plan.jitter === 0) {
      throw invalidValue(name(option), 'used with a jitter', given[option]);
    }
  }
  for (const option of ['burst', 'queue'] as const) {
    if (given[option] !== undefined && plan.rate === 0) {
      throw invalidValue(name(option), 'used with a rate', given[option]);
    }
  }
}

function checkCount(name: string, value: unknown, min: number): number {
  return checkInteger(name, value, min, INT_MAX);
}

function checkDelay(name: string, value: unknown): number {
  return checkMilliseconds(name, value ?? 0, 0, MAX_DELAY_MS);
}

function checkChance(name: string, value: unknown): number {
  return checkProbability(name, value ?? 0);
}

function checkProbability(name: string, value: unknown): number {
  if (typeof value !== 'number') throw invalidType(name, 'a probability, from 0 to 1', value);
  if (value >= 0 && value <= 1) return value;
  throw outOfRange(name, 'a probability, from 0 to 1', value);
}

function checkProfile(name: string, value: unknown, isUp: boolean): LinkFaults {
  if (value === undefined) return {};
  const profile = (Object.keys(PROFILES) as LinkProfile[]).find((each) => each === value);
  if (profile) return faultsOfProfile(profile, isUp);
  throw invalidValue(name, `one of ${Object.keys(PROFILES).join(', ')}`, value);
}

function checkDistribution(name: string, value: unknown): Distribution {
  return checkOneOf(name, DISTRIBUTIONS, value ?? 'uniform');
}

/** A plain probability of loss has p, r and h of 0, and is 1 - k. */
function checkLoss(name: string, value: unknown): Required<BurstLoss> | undefined {
  if (value === undefined || value === 0) return undefined;
  if (typeof value === 'number') return { p: 0, r: 0, h: 0, k: 1 - checkProbability(name, value) };
  if (typeof value !== 'object' || value === null) {
    throw invalidType(name, 'a probability, from 0 to 1, or { p, r, h, k }', value);
  }
  checkKeys(name, value, ['p', 'r', 'h', 'k']);
  const { p, r, h = 0, k = 1 } = value as BurstLoss;
  const check = (key: string, probability: unknown) => checkProbability(`${name}.${key}`, probability);
  return { p: check('p', p), r: check('r', r), h: check('h', h), k: check('k', k) };
}
