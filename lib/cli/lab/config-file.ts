import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LabConfig } from '../../lab/index.js';
import { CommandError, UsageError } from '../command.js';
import { isTopology } from './topologies.js';

/** A configuration of `ioth lab`. */
// `npm run schema` makes lab.schema.json from this type
export interface LabFile extends LabConfig {
  /** The schema of this file, for editors. */
  $schema?: string;
}

const READERS: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  '.json': async (path) => JSON.parse(await readFile(path, 'utf8')),
  '.yaml': readYaml,
  '.yml': readYaml,
  '.js': readModule,
  '.mjs': readModule,
  '.cjs': readModule,
  '.ts': readModule,
  '.mts': readModule,
};

/** In the package `import()` is `require()`, which does not load each module. */
const importModule = new Function('url', 'return import(url)') as (url: string) => Promise<{ default?: unknown }>;

/**
 * Reads the configuration of a lab from a file: JSON, YAML, or a module whose default export it is. Lab.create checks it.
 * @throws {UsageError} if it is none of these
 * @throws {CommandError} if the package yaml is missing
 * @throws {Error} of fs.readFile, or of the module
 */
export async function readConfigFile(file: string): Promise<LabConfig> {
  const path = resolve(file);
  const read = READERS[extname(path).toLowerCase()];
  if (!read) {
    const hint = isTopology(file) ? `: did you mean --topology ${file}?` : '';
    throw new UsageError(`FILE must end in one of ${Object.keys(READERS).join(', ')}, not '${file}'${hint}`);
  }
  const value = await read(path).catch((error: unknown) => {
    if (error instanceof SyntaxError) throw new UsageError(`${file}: ${error.message}`);
    throw error;
  });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`${file} must have an object with networks and hosts`);
  }
  const { $schema, ...config } = value as LabFile;
  return config;
}

async function readYaml(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8');
  const { parse } = loadYaml(path);
  try {
    return parse(text);
  } catch (error) {
    throw new SyntaxError((error as Error).message);
  }
}

/** Loads the package beside the file, or that beside ioth. */
function loadYaml(path: string): { parse(text: string): unknown } {
  for (const from of [path, realpathSync(process.argv[1] as string)]) {
    try {
      return createRequire(from)('yaml');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw new CommandError("a configuration in YAML needs the package 'yaml': npm install yaml");
}

async function readModule(path: string): Promise<unknown> {
  try {
    return (await importModule(pathToFileURL(path).href)).default;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error;
    throw new CommandError(`Node.js ${process.version} does not run TypeScript: version 22.18 and later do`);
  }
}
