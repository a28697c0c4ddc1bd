import { rmSync } from 'node:fs';
import type { Circus } from '@jest/types';
import { TestEnvironment } from 'jest-environment-node';

/** What the files of test/support leave for the environment of their file. */
export interface FileGlobals {
  /** Prints what is needed to understand a failure elsewhere. */
  reportFailure?: (test: string) => void;
  temporaryDirectories?: string[];
}

/** Node's environment, which has a failed test reported before the hooks of its file take its stacks away. */
export default class ReportingEnvironment extends TestEnvironment {
  handleTestEvent(event: Circus.Event): void {
    if (event.name === 'test_fn_failure') this.#globals.reportFailure?.(event.test.name);
  }

  override async teardown(): Promise<void> {
    for (const dir of this.#globals.temporaryDirectories ?? []) rmSync(dir, { recursive: true, force: true });
    await super.teardown();
  }

  get #globals(): FileGlobals {
    return this.global as FileGlobals;
  }
}
