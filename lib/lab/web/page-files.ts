import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { IothError } from '../../core/errors.js';
import here from './here.cjs';

/** Where the package has the page, from dist/lib/lab/web. */
const BUILT = join(here, '../../../lab-page');

let directory: string | undefined;

/** Returns the page: 'page.html', and 'terminal.js', which it loads for its first terminal. @throws {IothError} */
export function pageFile(name: 'page.html' | 'terminal.js'): string {
  directory ??= existsSync(join(BUILT, 'page.html')) ? BUILT : bundled();
  return readFileSync(join(directory, name), 'utf8');
}

/** Bundles the sources of the page, as tests and scripts do. */
function bundled(): string {
  for (let top = here; top !== dirname(top); top = dirname(top)) {
    const script = join(top, 'web/build.mjs');
    if (!existsSync(script)) continue;
    const made = join(top, '.cache/web');
    execFileSync(process.execPath, [script, made], { stdio: ['ignore', 'ignore', 'inherit'] });
    return made;
  }
  throw new IothError('ERR_IOTH_LAB', { hint: 'the package has no dist/lab-page/page.html' });
}
