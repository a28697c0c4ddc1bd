import {
  checkInteger,
  checkKeys,
  checkMilliseconds,
  checkOptions,
  INT_MAX,
  invalidType,
  invalidValue,
  outOfRange,
} from '../core/validate.js';
import { DISTRIBUTIONS, type Distribution } from './distribution.js';
import { checkRate } from './rate.js';

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
  /** The delay of a frame, in milliseconds. Default 0. */
  delay?: number;
  /** The deviation of the delay, in milliseconds. If it is large, frames overtake each other. Default 0. */
  jitter?: number;
  /** The distribution of the jitter: 'normal' and 'pareto' scale with it. Default: 'uniform', from -jitter to +jitter. */
  distribution?: Distribution;
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
  /** The rate of the link: bits per second, or text in the units of tc(8), such as '10mbit'. Default: no limit. */
  rate?: number | string;
  /** The number of bytes that may be sent faster than the rate after a pause. Default 0. */
  burst?: number;
  /** The limit of what waits for the rate: a number of frames, or frames and bytes. Frames beyond it are lost. Default 1000. */
  queue?: number | QueueLimit;
}

/** The limits of what waits for the rate. A limit that is left out does not apply. */
export interface QueueLimit {
  frames?: number;
  bytes?: number;
}

/** {@link LinkFaults}, checked, and with all defaults. */
export interface FaultPlan {
  readonly delay: number;
  readonly jitter: number;
  readonly distribution: Distribution;
  /** A plain probability of loss has p, r and h of 0, and is 1 - k. */
  readonly loss: Required<BurstLoss> | undefined;
  readonly duplicate: number;
  readonly reorder: number;
  readonly gap: number;
  readonly corrupt: number;
  /** Bits per second; 0 for no limit. */
  readonly rate: number;
  readonly burst: number;
  readonly queueFrames: number;
  readonly queueBytes: number;
}

/** The names of the options of {@link LinkFaults}. */
export const FAULT_NAMES = [
  'delay',
  'jitter',
  'distribution',
  'loss',
  'duplicate',
  'reorder',
  'gap',
  'corrupt',
  'rate',
  'burst',
  'queue',
] as const satisfies readonly (keyof LinkFaults)[];

/** The default of tc-netem(8), in frames. */
const DEFAULT_QUEUE = 1000;
const MAX_DELAY_MS = 3_600_000;

/**
 * Checks faults, and adds the defaults.
 * @returns undefined if the faults do nothing to any frame
 * @throws {TypeError | RangeError} naming the option
 */
export function checkFaults(faults: LinkFaults | undefined, where = 'faults'): FaultPlan | undefined {
  const given = checkOptions(faults, [...FAULT_NAMES]);
  const name = (option: keyof LinkFaults) => `${where}.${option}`;
  const probability = (option: 'duplicate' | 'reorder' | 'corrupt') =>
    checkProbability(name(option), given[option] ?? 0);
  const plan: FaultPlan = {
    delay: checkMilliseconds(name('delay'), given.delay ?? 0, 0, MAX_DELAY_MS),
    jitter: checkMilliseconds(name('jitter'), given.jitter ?? 0, 0, MAX_DELAY_MS),
    distribution: checkDistribution(name('distribution'), given.distribution ?? 'uniform'),
    loss: checkLoss(name('loss'), given.loss),
    duplicate: probability('duplicate'),
    reorder: probability('reorder'),
    gap: given.gap === undefined ? 1 : checkCount(name('gap'), given.gap, 1),
    corrupt: probability('corrupt'),
    rate: given.rate === undefined ? 0 : checkRate(name('rate'), given.rate),
    burst: checkCount(name('burst'), given.burst ?? 0, 0),
    ...checkQueue(name('queue'), given.queue),
  };
  checkTogether(given, plan, name);
  const hasFaults = plan.delay + plan.jitter + plan.duplicate + plan.corrupt + plan.rate > 0 || plan.loss !== undefined;
  return hasFaults ? plan : undefined;
}

/** Refuses combinations that tc(8) refuses, or that would have no effect. */
function checkTogether(given: LinkFaults, plan: FaultPlan, name: (option: keyof LinkFaults) => string): void {
  if (plan.reorder > 0 && plan.delay === 0) {
    throw invalidValue(name('reorder'), 'used with a delay, which reordered frames skip', given.reorder);
  }
  if (given.gap !== undefined && plan.reorder === 0) throw invalidValue(name('gap'), 'used with reorder', given.gap);
  if (given.distribution !== undefined && plan.jitter === 0) {
    throw invalidValue(name('distribution'), 'used with a jitter', given.distribution);
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

function checkProbability(name: string, value: unknown): number {
  if (typeof value !== 'number') throw invalidType(name, 'a probability, from 0 to 1', value);
  if (value >= 0 && value <= 1) return value;
  throw outOfRange(name, 'a probability, from 0 to 1', value);
}

function checkDistribution(name: string, value: unknown): Distribution {
  const known = DISTRIBUTIONS.find((distribution) => distribution === value);
  if (known) return known;
  throw invalidValue(name, DISTRIBUTIONS.map((each) => `'${each}'`).join(' or '), value);
}

function checkLoss(name: string, value: LinkFaults['loss']): Required<BurstLoss> | undefined {
  if (value === undefined || value === 0) return undefined;
  if (typeof value === 'number') return { p: 0, r: 0, h: 0, k: 1 - checkProbability(name, value) };
  if (typeof value !== 'object' || value === null) {
    throw invalidType(name, 'a probability, from 0 to 1, or { p, r, h, k }', value);
  }
  checkKeys(name, value, ['p', 'r', 'h', 'k']);
  const { p, r, h = 0, k = 1 } = value;
  const check = (key: string, probability: unknown) => checkProbability(`${name}.${key}`, probability);
  return { p: check('p', p), r: check('r', r), h: check('h', h), k: check('k', k) };
}

function checkQueue(name: string, value: LinkFaults['queue']): Pick<FaultPlan, 'queueFrames' | 'queueBytes'> {
  if (value === undefined) return { queueFrames: DEFAULT_QUEUE, queueBytes: INT_MAX };
  if (typeof value === 'number') return { queueFrames: checkCount(name, value, 1), queueBytes: INT_MAX };
  if (typeof value !== 'object' || value === null) throw invalidType(name, 'frames, or { frames, bytes }', value);
  checkKeys(name, value, ['frames', 'bytes']);
  const { frames, bytes } = value;
  return {
    queueFrames: frames === undefined ? INT_MAX : checkCount(`${name}.frames`, frames, 1),
    queueBytes: bytes === undefined ? INT_MAX : checkCount(`${name}.bytes`, bytes, 1),
  };
}
