import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
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

/** A test that failed. */
export interface FailedTest {
  /** With the names of its groups. */
  name: string;
  /** The file that it is in. */
  file?: string | undefined;
}

const DEFAULT_REPORT = 'lab-report';
const MAX_NAME_BYTES = 200;

/** The directories of this file's reports. */
const taken = new Set<string>();

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
  async report(test: FailedTest, error: unknown): Promise<string | undefined> {
    const lab = this.#lab;
    if (!lab || lab.closed) return undefined;
    return writeFiles(lab as Lab, directoryOf(this.#report, test), { name: test.name, error: textOf(error) });
  }
}

function textOf(error: unknown): string {
  return stripVTControlCharacters(types.isNativeError(error) ? (error.stack ?? error.message) : inspect(error));
}

/**
 * Writes the last frames of each network as they are now, and the report.
 * @returns a note that names the files, for the message of the failure
 */
async function writeFiles(lab: Lab, directory: string, test: { name: string; error: string }): Promise<string> {
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

/** Returns a directory that no other test has: names may be equal, or differ only in what is no part of a file's name. */
function directoryOf(report: string, { name, file = '' }: FailedTest): string {
  const folders = relative(process.cwd(), file).split(sep).map(fileName);
  const directory = join(report, ...folders, fileName(name) || 'test');
  let free = directory;
  for (let number = 2; taken.has(free); number++) free = `${directory}-${number}`;
  taken.add(free);
  return free;
}

function fileName(text: string): string {
  // a character that is cut in two becomes U+FFFD, which is none of these
  const start = Buffer.from(text).toString('utf8', 0, MAX_NAME_BYTES);
  return start.replace(/[^\p{L}\p{M}\p{N}_.-]+/gu, '-').replace(/^[-.]+|-+$/g, '');
}
