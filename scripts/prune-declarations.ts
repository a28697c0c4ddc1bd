/** Removes the declarations of dist/ that no export of package.json leads to. */

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

type Target = string | { readonly [condition: string]: Target };

const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, Target> };
const reached = new Set<string>();

function reach(declaration: string): void {
  if (reached.has(declaration)) return;
  reached.add(declaration);
  const text = readFileSync(declaration, 'utf8');
  for (const [, specifier = ''] of text.matchAll(/\b(?:from|import) ?\(?['"](\.[^'"]+)['"]/g)) {
    reach(join(dirname(declaration), declarationOf(specifier)));
  }
}

/** Returns 'a.d.cts' for 'a.cjs'. */
function declarationOf(module: string): string {
  return module.replace(/\.([cm]?)js$/, '.d.$1ts');
}

function filesOf(target: Target): string[] {
  return typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf);
}

for (const file of Object.values(exports).flatMap(filesOf).map(declarationOf)) {
  if (file.endsWith('ts')) reach(join(file));
}
for (const file of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
  const path = join('dist', file);
  if (/\.d\.[cm]?ts$/.test(file) && !reached.has(path)) rmSync(path);
}
