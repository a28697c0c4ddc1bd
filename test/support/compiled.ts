import { extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export const ROOT = resolve(__dirname, '../..');
export const TSX = join(ROOT, 'node_modules/.bin/tsx');
/** TypeScript 7: not .bin/tsc, since there are two. */
export const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

/** What children of tests run: the sources as modules, in the folders of the checkout (compile.ts). */
export const COMPILED = join(ROOT, '.cache/compiled');

export const EXTENSIONS: Readonly<Record<string, string>> = { '.ts': '.js', '.mts': '.mjs', '.cts': '.cjs' };

/** The sources of what the package offers. */
export const ENTRIES: Readonly<Record<string, string>> = {
  ioth: 'lib/index.ts',
  'ioth/ffi': 'ffi/index.ts',
  'ioth/vde': 'lib/vde/index.ts',
  'ioth/lab': 'lib/lab/index.ts',
  'ioth/lab/jest': 'lib/lab/jest.ts',
  'ioth/lab/node-test': 'lib/lab/node-test.ts',
};

/** The compiled form of a source, which is named from the top of the checkout: 'examples/demo.ts'. */
export function compiled(source: string): string {
  const extension = extname(source);
  return join(COMPILED, source.slice(0, -extension.length) + (EXTENSIONS[extension] ?? extension));
}

/** The URL of a compiled source, for a module elsewhere to import. */
export function compiledUrl(source: string): string {
  return pathToFileURL(hasFacade(source) ? facade(compiled(source)) : compiled(source)).href;
}

/** Whether it is an entry that ES modules import by a module of its own (compile.ts). */
export function hasFacade(source: string): boolean {
  return source.endsWith('/index.ts');
}

/** Where that is, from the compiled entry. */
export function facade(path: string): string {
  return path.replace(/js$/, 'mjs');
}
