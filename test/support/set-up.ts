import { readFileSync } from 'node:fs';
import type { FileGlobals } from './environment.js';
import { reporters } from './reports.js';

/* What each file of tests begins with: a test that fails says what is needed to understand it elsewhere. */

beforeEach(() => {
  for (const reporter of reporters) reporter.forget();
});

(globalThis as FileGlobals).reportFailure = (test) => {
  const load = readFileSync('/proc/loadavg', 'latin1').trim();
  const reports = [...reporters].flatMap((reporter) => reporter.report());
  console.log([`${test} failed; load ${load}`, ...reports].join('\n'));
};
