import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { inspect, stripVTControlCharacters, types } from 'node:util';
import { checkOptions, checkString, invalidValue } from '../../core/validate.js';
import { Lab } from '../lab.js';
import type { LabConfig } from '../topology/config.js';
import { Topology } from '../topology/topology.js';

/** Options of `useLab`. */
export interface UseLabOptions {
  /** 'file': all tests share one lab. 'test': each test has its own. Default 'file'. */
  per?: 'file' | 'test';
  /** The directory for the last frames of each network, and the page, when a test fails. Default 'lab-report'. */
  report?: string;
}

const DEFAULT_REPORT = 'lab-report';
const MAX_NAME = 100;

/** The lab of a file's tests. Hooks of the test runner create and close it. */
export class CurrentLab<N extends string, H extends string> {
  readonly isPerTest: boolean;
  readonly #config: LabConfig<N, H>;
  readonly #report: string;
  #lab: Lab<N, H> | undefined;
  #starting: Promise<Lab<N, H>> | undefined;

  /** @throws {TypeError | RangeError} as Lab.create */
  constructor(config: LabConfig<N, H>, options?: UseLabOptions) {
    const { per = 'file', report = DEFAULT_REPORT } = checkOptions(options, ['per', 'report']);
    if (per !== 'file' && per !== 'test') throw invalidValue('options.per', "'file' or 'test'", per);
    // checks the configuration
    new Topology(config as LabConfig);
    this.#config = config;
    this.#report = checkString('options.report', report);
    this.isPerTest = per === 'test';
  }

  /** A proxy of the lab, for the tests. It throws while there is no lab. */
  get facade(): Lab<N, H> {
    const lab = () => {
      if (this.#lab) return this.#lab;
      throw new Error("the lab of useLab() exists in tests and in later hooks only, not at the file's top level");
    };
    return new Proxy(Object.create(Lab.prototype) as Lab<N, H>, {
      get: (_, key) => {
        const value = Reflect.get(lab(), key, lab());
        return typeof value === 'function' ? value.bind(lab()) : value;
      },
    });
  }

  async start(): Promise<void> {
    const starting = Lab.create(this.#config);
    this.#starting = starting;
    const lab = await starting;
    if (this.#starting === starting) this.#lab = lab;
  }

  /** Closes the lab, also one that is not made yet: a test runner gives up a hook that takes long. */
  async close(): Promise<void> {
    const starting = this.#starting;
    this.#starting = undefined;
    this.#lab = undefined;
    // start() reports why there is none
    const lab = await starting?.catch(() => undefined);
    await lab?.close();
  }

  /**
   * Writes the frames, and a page that shows them, for a test that failed.
   * @param error what it failed with
   * @returns a note that names the files
   */
  async report(test: string, error: unknown): Promise<string | undefined> {
    const lab = this.#lab;
    return lab && !lab.closed ? writeFiles(lab as Lab, this.#report, { name: test, error: textOf(error) }) : undefined;
  }
}

function textOf(error: unknown): string {
  return stripVTControlCharacters(types.isNativeError(error) ? (error.stack ?? error.message) : inspect(error));
}

/**
 * Writes the last frames of each network as they are now, and the report.
 * @returns a note that names the files, for the message of the failure
 */
async function writeFiles(lab: Lab, report: string, test: { name: string; error: string }): Promise<string> {
  const directory = join(report, fileName(test.name));
  await mkdir(directory, { recursive: true });
  const page = join(directory, 'lab.html');
  const files = await Promise.all(
    Object.values(lab.networks).map(async (network) => {
      const file = join(directory, `${network.name}.pcapng`);
      await writeFile(file, await network.recentFrames());
      return relative(process.cwd(), file);
    }),
  );
  await lab.report(page, { test });
  return [
    'The last frames of each network are in:',
    ...files.map((file) => `  ${file}`),
    'Open this page in a browser to see what became of them:',
    `  ${relative(process.cwd(), page)}`,
  ].join('\n');
}

/** Adds a note to the message of an error, and to its stack, which repeats the message. */
export function addNote(error: Error, note: string): void {
  const { message, stack } = error;
  error.message = `${message}\n\n${note}`;
  if (stack) error.stack = stack.includes(message) ? stack.replace(message, () => error.message) : `${note}\n${stack}`;
}

function fileName(test: string): string {
  return (
    test
      .replace(/[^\w.-]+/g, '-')
      .replace(/^[-.]+|-+$/g, '')
      .slice(0, MAX_NAME) || 'test'
  );
}
