import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Case } from './cases.js';
import { killCases, type Mode, type Outcome, runCase } from './run-case.js';

/** The results of a test: plain and, if it passed, on a stack without a network. */
export interface Comparison {
  test: Case;
  plain: Outcome;
  stack: Outcome | undefined;
  /** True if it passes, without a packet on the host's network. */
  conforms: boolean;
}

export interface Setting {
  /** The directory of Node's tests. */
  source: string;
  /** The file that `ioth/register` is. */
  register: string;
  /** The path of a Node other than this one. */
  node?: string;
  /** Forces sockets that are not the kernel's. */
  pump?: boolean;
  /** Names of tests that are known not to pass: they are not run again. */
  known?: { has(name: string): boolean };
  onDone?: (comparison: Comparison) => void;
}

const AT_ONCE = 2;

/**
 * Runs each test plain and on a stack, its children on their own stacks, two at a time. A test that fails on the stack runs once
 * more, alone.
 */
export async function compare(tests: readonly Case[], setting: Setting): Promise<Comparison[]> {
  const temporary = mkdtempSync(join(tmpdir(), 'ioth-node-suite-'));
  const cleanUp = () => {
    killCases();
    rmSync(temporary, { recursive: true, force: true });
  };
  process.once('exit', cleanUp);
  try {
    const results: Comparison[] = [];
    const left = tests.entries();
    const work = async () => {
      // both take from the same iterator
      for (const [i, test] of left) {
        const comparison = await compareOne(test, setting, temporary);
        results[i] = comparison;
        setting.onDone?.(comparison);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    for (const [i, { test, plain, stack, conforms }] of results.entries()) {
      if (!stack || conforms || setting.known?.has(test.name)) continue;
      results[i] = comparisonOf(test, plain, await runCase(test, onStack(setting, temporary)));
    }
    return results;
  } finally {
    process.off('exit', cleanUp);
    cleanUp();
  }
}

async function compareOne(test: Case, setting: Setting, temporary: string): Promise<Comparison> {
  const plain = await runCase(test, base(setting, temporary));
  if (plain.result !== 'passed') return comparisonOf(test, plain, undefined);
  return comparisonOf(test, plain, await runCase(test, onStack(setting, temporary)));
}

function comparisonOf(test: Case, plain: Outcome, stack: Outcome | undefined): Comparison {
  return { test, plain, stack, conforms: stack?.result === 'passed' && stack.hostPackets === 0 };
}

function base({ source, node }: Setting, temporary: string): Mode {
  // another Node has globals that the tests do not know
  const env: Mode['env'] = node ? { NODE_TEST_KNOWN_GLOBALS: '0' } : {};
  return {
    node: node ?? process.execPath,
    args: [],
    env,
    cwd: source,
    temporary: mkdtempSync(join(temporary, 'test-')),
  };
}

function onStack(setting: Setting, temporary: string): Mode {
  const plain = base(setting, temporary);
  const env = { ...plain.env, IOTH: 'stack=vdestack', IOTH_CHILDREN: '1', ...(setting.pump ? { IOTH_PUMP: '1' } : {}) };
  return { ...plain, args: ['--import', pathToFileURL(setting.register).href], env };
}
