/** ioth/lab/node-test: a lab for the tests of a file of node:test, and assertions. */

// for programs that compile against the declarations without naming Node's types
/// <reference types="node" preserve="true" />

import { AssertionError } from 'node:assert';
import { after, afterEach, before, beforeEach } from 'node:test';
import type { LabHost } from './host.js';
import type { Lab } from './lab.js';
import { addNote, CurrentLab, type UseLabOptions } from './testing/current-lab.js';
import {
  type Finding,
  findReach,
  findUnreachable,
  type ReachOptions,
  type UnreachableOptions,
} from './testing/reach.js';
import type { LabConfig } from './topology/config.js';

export type { ReachOptions, UnreachableOptions, UseLabOptions };

/** The part of a test's context that is used here. Some versions of its types lack some of it. */
interface TestContext {
  readonly name: string;
  readonly fullName?: string;
  readonly filePath?: string;
  readonly passed?: boolean;
  readonly error?: unknown;
  diagnostic(message: string): void;
}

/**
 * Creates a lab before the tests of this file, or of this `describe`, and closes it after them in any case. When a test fails,
 * writes the last 1000 frames of each network, and a page that shows them, to files, which the test's message names.
 * @returns the lab, for use in tests and hooks
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
    // node:test wraps the error that was thrown
    const error = (test.error as { cause?: unknown } | null)?.cause ?? test.error;
    // each file has a process of its own, unless isolation is off: Node.js 20 names the file only there
    const { name, fullName = name, filePath: file = process.argv[1] } = test;
    const note = await current.report({ name: fullName, file }, error);
    if (note === undefined) return;
    test.diagnostic(note);
    if (error instanceof Error) addNote(error, note);
  });
  end(() => current.close());
  return current.facade;
}

/**
 * Asserts that a host of a lab reaches another one: by a TCP connection to `port` or, without one, by ping.
 * @param target a host of the lab, a name or an address
 * @throws {AssertionError} if it does not
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
 * Asserts that a host of a lab answers no ping of another host.
 * @throws {AssertionError} if it does
 */
export async function assertUnreachable(host: LabHost, options?: UnreachableOptions): Promise<void> {
  assertFinding(await findUnreachable(host, options), 'isUnreachable');
}

function assertFinding({ pass, message }: Finding, operator: string): void {
  if (!pass) throw new AssertionError({ message: message(), actual: false, expected: true, operator });
}
