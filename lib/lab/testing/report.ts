import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Lab } from '../lab.js';

/** Options of `useLab`. */
export interface UseLabOptions {
  /** 'file': all tests share one lab. 'test': each test has its own. Default 'file'. */
  per?: 'file' | 'test';
  /** The directory for the last frames of each network when a test fails. Default 'lab-report'. */
  report?: string;
}

export const DEFAULT_REPORT = 'lab-report';
const MAX_NAME = 100;

/**
 * Writes the last frames of each network, as they are now.
 * @param test the name of the test
 * @returns a note that names the files, for the message of the failure
 */
export async function writeFrames(lab: Lab, report: string, test: string): Promise<string> {
  const directory = join(report, fileName(test));
  await mkdir(directory, { recursive: true });
  const files = await Promise.all(
    Object.values(lab.networks).map(async (network) => {
      const file = join(directory, `${network.name}.pcapng`);
      await writeFile(file, await network.recentFrames());
      return relative(process.cwd(), file);
    }),
  );
  return `The last frames of each network are in:\n${files.map((file) => `  ${file}`).join('\n')}`;
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
