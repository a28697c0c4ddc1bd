import type { Circus } from '@jest/types';
import { TestEnvironment } from 'jest-environment-node';

/** What test/support/set-up.ts gives to the environment of its file. */
export interface FailureReporter {
  /** Prints what is needed to understand a failure elsewhere. */
  reportFailure?: (test: string) => void;
}

/** Node's environment, which has a failed test reported before the hooks of its file take its stacks away. */
export default class ReportingEnvironment extends TestEnvironment {
  handleTestEvent(event: Circus.Event): void {
    if (event.name !== 'test_fn_failure') return;
    (this.global as FailureReporter).reportFailure?.(event.test.name);
  }
}
