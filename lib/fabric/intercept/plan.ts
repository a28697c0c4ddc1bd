import {
  checkEach,
  checkInteger,
  checkKeys,
  checkMilliseconds,
  checkOptions,
  INT_MAX,
  invalidType,
  invalidValue,
  quoted,
} from '../../core/validate.js';
import { MAX_FRAME_SIZE, MIN_FRAME_SIZE } from '../../vde/frame-source.js';
import { checkMatch, type MatchPlan, type PacketAction, type PacketMatch, type PacketTest } from './match.js';

/** Options of `intercept`. */
export interface InterceptOptions {
  /** The number of frames to act on. Then the intercept ends by itself. Default: no limit. */
  times?: number;
  /** The number of matching frames to let pass first. Default 0. */
  after?: number;
  /** From when to when it acts, in milliseconds after its start. Then it ends by itself. Default: from the start on. */
  between?: readonly [from: number, to: number];
}

/** A checked {@link PacketAction}. */
export interface ActionPlan {
  readonly kind: (typeof ACTIONS)[number] | 'delay';
  /** In milliseconds; 0 for all other kinds. */
  readonly delay: number;
}

/** An intercept that was checked, for the thread that forwards. */
export interface InterceptPlan {
  readonly match: MatchPlan;
  /** Whether the other thread decides about each frame that matches. */
  readonly isAsked: boolean;
  readonly action: ActionPlan;
  /** Infinity for no limit. */
  readonly times: number;
  readonly after: number;
  readonly between: readonly [from: number, to: number];
}

/** What the other thread answers: whether a frame matches, an action for it, or the frame that replaces it. */
export type Verdict = boolean | ActionPlan | Uint8Array;

/** The actions that are words. */
export const ACTIONS = ['drop', 'duplicate', 'corrupt', 'reject', 'pass'] as const;
const MAX_TIME_MS = 3_600_000;

/**
 * Checks the arguments of `intercept`.
 * @param checkNames checks names of ports
 * @returns the plan, and the function that decides about frames
 * @throws {TypeError | RangeError} naming the argument
 */
export function checkIntercept(
  match: PacketMatch | PacketTest,
  action: PacketAction,
  options: InterceptOptions | undefined,
  checkNames: (what: string, value: unknown) => readonly string[] | undefined,
): { plan: InterceptPlan; test: PacketTest | undefined } {
  const given = typeof match === 'function' ? { where: match } : match;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalidType('match', 'an object such as { toPort: 53 }, or a function', match);
  }
  const { times, after = 0, between } = checkOptions(options, ['times', 'after', 'between']);
  const plan: InterceptPlan = {
    match: checkMatch(given, checkNames),
    isAsked: given.where !== undefined,
    action: checkAction('action', action),
    times: times === undefined ? Number.POSITIVE_INFINITY : checkInteger('options.times', times, 1, INT_MAX),
    after: checkInteger('options.after', after, 0, INT_MAX),
    between: between === undefined ? [0, Number.POSITIVE_INFINITY] : checkBetween(between),
  };
  return { plan, test: given.where };
}

function checkAction(name: string, action: unknown): ActionPlan {
  const expected = `${quoted(ACTIONS)} or { delay: milliseconds }`;
  const kind = ACTIONS.find((each) => each === action);
  if (kind) return { kind, delay: 0 };
  if (typeof action === 'string') throw invalidValue(name, expected, action);
  if (typeof action !== 'object' || action === null || !('delay' in action)) throw invalidType(name, expected, action);
  checkKeys(name, action, ['delay']);
  return { kind: 'delay', delay: checkMilliseconds(`${name}.delay`, action.delay, 0, MAX_TIME_MS) };
}

function checkBetween(value: unknown): readonly [number, number] {
  const name = 'options.between';
  const times = checkEach(name, 'an array [from, to] of milliseconds', value, (where, time) =>
    checkMilliseconds(where, time, 0, MAX_TIME_MS),
  );
  const [from, to] = times;
  if (from !== undefined && to !== undefined && times.length === 2 && from < to) return [from, to];
  throw invalidValue(name, 'an array [from, to] of milliseconds, the first one less than the second', value);
}

/** Checks the answer of a {@link PacketTest}. @throws {TypeError | RangeError} */
export function checkVerdict(answer: unknown): Verdict {
  const name = "the answer of 'where'";
  if (typeof answer === 'boolean') return answer;
  if (!ArrayBuffer.isView(answer)) {
    if (typeof answer === 'string' || (typeof answer === 'object' && answer !== null)) return checkAction(name, answer);
    throw invalidType(name, 'true or false, an action, or the bytes of a frame', answer);
  }
  if (!(MIN_FRAME_SIZE <= answer.byteLength && answer.byteLength <= MAX_FRAME_SIZE)) {
    throw invalidValue(name, `a frame of ${MIN_FRAME_SIZE} to ${MAX_FRAME_SIZE} bytes`, answer);
  }
  // a copy: the other thread gets the whole buffer behind a view
  return Uint8Array.from(new Uint8Array(answer.buffer, answer.byteOffset, answer.byteLength));
}
