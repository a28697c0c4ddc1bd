import { checkOptions, invalidType, invalidValue } from '../core/validate.js';

/** Directions of a network: from some ports, to some ports. Default: from all, to all. */
export interface CutDirections<P extends string = string> {
  /** The ports that the frames come from. */
  from?: P | readonly P[];
  /** The ports that they go to. */
  to?: P | readonly P[];
}

/** The directions that faults are for. Default: from all ports, to all ports. */
export interface FaultDirections<P extends string = string> extends CutDirections<P> {
  /** The ports whose own links towards the network are meant. All frames of a port share its link. */
  up?: P | readonly P[];
  /** The ports whose own links from the network are meant. */
  down?: P | readonly P[];
}

/** The directions between ports, and the ports whose own links are meant. */
export interface CheckedDirections {
  readonly from: readonly string[] | undefined;
  readonly to: readonly string[] | undefined;
  readonly up: readonly string[] | undefined;
  readonly down: readonly string[] | undefined;
}

/** Checks one list of names. */
type CheckNames = (name: string, value: unknown) => readonly string[] | undefined;

/** Checks the directions of faults. @throws {TypeError} */
export function checkDirections(
  where: string,
  value: FaultDirections | undefined,
  check: CheckNames,
): CheckedDirections {
  const given = checkOptions(value, ['from', 'to', 'up', 'down']);
  const [from, to, up, down] = (['from', 'to', 'up', 'down'] as const).map((key) =>
    check(`${where}.${key}`, given[key]),
  );
  if ((from || to) && (up || down)) throw invalidValue(where, 'either { from, to } or { up, down }', value);
  return { from, to, up, down };
}

/**
 * Reads the arguments of `cut`: one direction, or two lists of ports that are cut from each other.
 * @throws {TypeError}
 */
export function checkCut(a: unknown, b: unknown, check: CheckNames): Pick<CheckedDirections, 'from' | 'to'>[] {
  if (typeof a === 'string' || Array.isArray(a)) {
    const [one, other] = [check('a', a), check('b', b)];
    if (!other)
      throw invalidType('b', "what 'a' is cut from: cut('x', 'y'), or cut({ from: 'x', to: 'y' }) for one way", b);
    const common = one?.find((name) => other.includes(name));
    if (common !== undefined) throw invalidValue('b', `without '${common}', which is in 'a'`, b);
    return [
      { from: one, to: other },
      { from: other, to: one },
    ];
  }
  const { from, to } = checkOptions(a as CutDirections, ['from', 'to']);
  if ((from === undefined && to === undefined) || b !== undefined) {
    throw invalidType(
      'the arguments',
      "two names or lists, or one { from, to }: cut('x', 'y'), cut({ from: 'x' })",
      b ?? a,
    );
  }
  return [{ from: check('path.from', from), to: check('path.to', to) }];
}
