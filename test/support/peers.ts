import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where scripts/setup installs what scripts/peers names. */
const MODULES = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ioth/peers/node_modules');

/** A file or directory of these packages: 'mocha/bin/mocha.js'. */
export function peer(path: string): string {
  const found = join(MODULES, path);
  if (!existsSync(found)) throw new Error(`${found} is missing: scripts/setup installs it`);
  return found;
}

/** Whether each version of Node.js is there: they are published for this processor only. */
export const hasNodes = process.arch === 'x64';
if (!hasNodes) console.log(`no other versions of Node.js for ${process.arch}: what needs them is not tested`);

/** Node.js of a major version. */
export function nodeOf(version: number): string {
  return peer(`node${version}/bin/node`);
}
