import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const MODULES = ['net', 'dgram', 'dns', 'http', 'https', 'tls', 'http2'] as const;
export type ModuleName = (typeof MODULES)[number];

/** A file of test/parallel. */
export interface Case {
  /** The name of the file without its extension: test-net-connect-reset. */
  name: string;
  module: ModuleName;
  path: string;
}

/** Node's tests of a module. */
export function casesOf(directory: string, module: ModuleName): Case[] {
  const parallel = join(directory, 'test/parallel');
  return readdirSync(parallel)
    .filter((file) => file.startsWith(`test-${module}-`) && /\.m?js$/.test(file))
    .sort()
    .map((file) => ({ name: file.replace(/\.m?js$/, ''), module, path: join(parallel, file) }));
}

/** Returns `count` of them, evenly spread. */
export function sampleOf<T>(all: readonly T[], count: number): T[] {
  const step = Math.max(1, all.length / count);
  return Array.from({ length: Math.min(count, all.length) }, (_, i) => all[Math.floor(i * step)] as T);
}

/** Returns the flags that the test's comments ask for: `// Flags: --expose-internals`. */
export function flagsOf({ path }: Case): string[] {
  const lines = readFileSync(path, 'utf8').matchAll(/^\/\/\s+Flags:(.*)$/gm);
  return Array.from(lines).flatMap(([, flags = '']) => flags.trim().split(/\s+/));
}
