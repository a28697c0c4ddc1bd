import { FAULT_NAMES } from '../../fabric/faults.js';
import type { Lab, LinkFaults } from '../../lab/index.js';
import { UsageError } from '../command.js';
import { noSuch } from '../suggest.js';
import { hostNames } from './command.js';

/* Arguments such as delay=50 and from=alice,bob. */

export const CUT_DIRECTIONS = ['from', 'to'] as const;
export const DIRECTIONS = [...CUT_DIRECTIONS, 'up', 'down'] as const;

export function isDirection(name: string): boolean {
  return (DIRECTIONS as readonly string[]).includes(name);
}

export type Pairs = readonly (readonly [name: string, value: string])[];

/** Splits arguments into words and pairs of a name and a value. */
export function splitPairs(args: readonly string[]): { words: string[]; pairs: Pairs } {
  const pairs = args.filter((arg) => arg.includes('=')).map((arg) => [nameIn(arg), arg.slice(nameIn(arg).length + 1)]);
  return { words: args.filter((arg) => !arg.includes('=')), pairs: pairs as [string, string][] };
}

function nameIn(pair: string): string {
  return pair.slice(0, pair.indexOf('='));
}

/**
 * Returns the hosts of each direction: `{ from: ['alice', 'bob'] }`; undefined if there is none.
 * @throws {UsageError} for a name that is none of `known`
 */
export function directionsOf<D extends string>(pairs: Pairs, known: readonly D[]): Record<D, string[]> | undefined {
  const entries = pairs.map(([name, value]) => {
    if (!known.includes(name as D)) throw new UsageError(`'${name}=' must be one of ${known.join('=, ')}=`);
    return [name, value.split(',')];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Returns the faults of pairs, whose values `network.set` checks. @throws {UsageError} for an unknown name */
export function faultsOf(pairs: Pairs): LinkFaults {
  for (const [name] of pairs) {
    if ((FAULT_NAMES as readonly string[]).includes(name)) continue;
    throw new UsageError(`${noSuch('fault', name, FAULT_NAMES)} (${FAULT_NAMES.join(', ')})`);
  }
  return Object.fromEntries(
    pairs.map(([name, value]) => [name, SHARES.includes(name) ? readShare(value) : readValue(value)]),
  );
}

const SHARES: readonly string[] = ['loss', 'duplicate', 'corrupt', 'reorder'];

/** Reads a share of frames: 0.2, or 20%. */
function readShare(text: string): unknown {
  const [, percents] = /^([\d.]+)%$/.exec(text) ?? [];
  return percents === undefined ? readValue(text) : Number(percents) / 100;
}

/** Reads a value as drawings have it: a number, a boolean, text, {ms:50,type:codel}. */
export function readValue(text: string): unknown {
  const [, inside] = /^\{(.*)\}$/.exec(text) ?? [];
  if (inside !== undefined) {
    const items = inside.split(',').map((item) => item.split(':').map((part) => part.trim()));
    return Object.fromEntries(items.map(([key = '', value = '']) => [key, readValue(value)]));
  }
  if (text === 'true' || text === 'false') return text === 'true';
  return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
}

/** Completes names of pairs, and the hosts of directions: from=alice. */
export function completePairs(names: readonly string[], lab: Lab): string[] {
  return names.flatMap((name) => (isDirection(name) ? hostNames(lab).map((host) => `${name}=${host}`) : [`${name}=`]));
}
