/** ioth/lab/node-test: a lab for the tests of a file of node:test, and assertions. */

// for who compiles against the declarations without naming Node's types
/// <reference types="node" preserve="true" />

import { AssertionError } from 'node:assert';
import { after, afterEach, before, beforeEach } from 'node:test';
import type { LabHost } from './host.js';
import type { Lab } from './lab.js';
import { CurrentLab } from './testing/current-lab.js';
import {
  type Finding,
  findReach,
  findUnreachable,
  type ReachOptions,
  type UnreachableOptions,
} from './testing/reach.js';
import { addNote, type UseLabOptions } from './testing/report.js';
import type { LabConfig } from './topology/config.js';

export type { ReachOptions, UnreachableOptions, UseLabOptions };

/** What is used of a test's context; `passed` and `error` are younger than some types of it. */
interface TestContext {
  readonly name: string;
  readonly fullName?: string;
  readonly passed?: boolean;
  readonly error?: unknown;
  diagnostic(message: string): void;
}

/**
 * A lab for the tests of this file, or of this `describe`: made before them and closed after them, whatever happens. When a test
 * fails, the last 1000 frames of each network are written to files that its message names.
 * @returns the lab, to be used in tests and hooks
 * @throws {TypeError | RangeError} as Lab.create
 */
export function useLab<const N extends string, const H extends string>(
  config: LabConfig<N, H>,
  options?: UseLabOptions,
): Lab<N, H> {
  const current = new CurrentLab(config, options);
  const [begin, end] = current.isPerTest ? [beforeEach, afterEach] : [before, after];
  begin(() => current.start());
  afterEach(async (context) => {
    const test = context as unknown as TestContext;
    if (test.passed !== false) return;
    const note = await current.report(test.fullName ?? test.name);
    if (note === undefined) return;
    test.diagnostic(note);
    // node:test wraps what was thrown
    const error = (test.error as { cause?: unknown } | null)?.cause ?? test.error;
    if (error instanceof Error) addNote(error, note);
  });
  end(() => current.close());
  return current.facade;
}

/**
 * A host of a lab reaches another one: by a TCP connection to `port` or, without one, by ping.
 * @param target a host of the lab, a name or an address
 * @throws {AssertionError} where it does not
 */
export async function assertReaches(
  host: LabHost,
  target: LabHost | string,
  port?: number,
  options?: ReachOptions,
): Promise<void> {
  assertFinding(await findReach(host, target, port, options), 'reaches');
}

/**
 * A host of a lab answers no other host's ping.
 * @throws {AssertionError} where it does
 */
export async function assertUnreachable(host: LabHost, options?: UnreachableOptions): Promise<void> {
  assertFinding(await findUnreachable(host, options), 'isUnreachable');
}

function assertFinding({ pass, text }: Finding, operator: string): void {
  if (!pass) throw new AssertionError({ message: text, actual: false, expected: true, operator });
}
