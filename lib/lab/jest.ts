/** ioth/lab/jest: a lab for the tests of a file, and matchers. */

// for programs that compile against the declarations without naming Node's types
/// <reference types="node" preserve="true" />

import { types } from 'node:util';
import type { LabHost } from './host.js';
import type { Lab } from './lab.js';
import { addNote, CurrentLab, type UseLabOptions } from './testing/current-lab.js';
import { findReach, findUnreachable, type ReachOptions, type UnreachableOptions } from './testing/reach.js';
import type { LabConfig } from './topology/config.js';

export type { ReachOptions, UnreachableOptions, UseLabOptions };

/** The matchers of a lab's hosts. */
export interface LabMatchers<R> {
  /**
   * Passes if a host of a lab reaches another one: by a TCP connection to `port` or, without one, by ping.
   * @param target a host of the lab, a name or an address
   */
  toReach(target: LabHost | string, port?: number, options?: ReachOptions): Promise<R>;
  /** Passes if a host of a lab answers no ping of another host. */
  toBeUnreachable(options?: UnreachableOptions): Promise<R>;
}

declare global {
  namespace jest {
    // biome-ignore lint/complexity/noBannedTypes: as @types/jest has it
    interface Matchers<R, T = {}> extends LabMatchers<R> {}
  }
}

// the `expect` of @jest/globals. A program that has @types/jest only may not find this package
// biome-ignore lint/suspicious/noTsIgnore: it is an error only there
/** @ts-ignore */
declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T = unknown> extends LabMatchers<R> {}
}

/** The part of jest that is used here. */
interface JestGlobals {
  beforeAll(hook: () => Promise<void>, timeout?: number): void;
  afterAll(hook: () => Promise<void>, timeout?: number): void;
  beforeEach(hook: () => Promise<void>, timeout?: number): void;
  afterEach(hook: () => Promise<void>, timeout?: number): void;
  expect: {
    extend(matchers: Record<string, (...args: never[]) => Promise<{ pass: boolean; message: () => string }>>): void;
    getState(): { currentTestName?: string; testPath?: string };
  };
}

/** The timeout of a hook: a busy machine is slow. */
const HOOK_TIMEOUT_MS = 60_000;

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
  const { beforeAll, afterAll, beforeEach, afterEach, expect } = globals();
  const current = new CurrentLab(config, options);
  const [before, after] = current.isPerTest ? [beforeEach, afterEach] : [beforeAll, afterAll];
  before(() => current.start(), HOOK_TIMEOUT_MS);
  afterEach(async () => {
    const errors = errorsOfTest();
    if (errors.length === 0) return;
    // an error of another realm is no instance of this Error
    const error = errors.flat().find((each) => each instanceof Error || types.isNativeError(each));
    const { currentTestName: name = 'test', testPath: file } = expect.getState();
    const note = await current.report({ name, file }, error ?? errors.flat()[0]);
    if (note === undefined) return;
    if (!error) throw new Error(note);
    addNote(error as Error, note);
  }, HOOK_TIMEOUT_MS);
  after(() => current.close(), HOOK_TIMEOUT_MS);
  return current.facade;
}

function globals(): JestGlobals {
  const found = globalThis as unknown as Partial<JestGlobals>;
  if (found.expect?.extend && found.beforeAll && found.afterEach) return found as JestGlobals;
  throw new Error("ioth/lab/jest needs jest and its globals (jest's injectGlobals: true)");
}

/** Returns the errors of the running test, from jest-circus' internal state: no hook of jest reports a failure. */
function errorsOfTest(): unknown[] {
  const symbol = Object.getOwnPropertySymbols(globalThis).find(
    ({ description }) => description === 'JEST_STATE_SYMBOL',
  );
  const state = symbol && (globalThis as unknown as Record<symbol, CircusState | undefined>)[symbol];
  return state?.currentlyRunningTest?.errors ?? [];
}

interface CircusState {
  currentlyRunningTest?: { errors?: unknown[] } | null;
}

globals().expect.extend({ toReach: findReach, toBeUnreachable: findUnreachable });
