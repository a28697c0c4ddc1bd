import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import type { Options } from '@swc/core';
import { COMPILED, compiled, compiledUrl, ENTRIES, EXTENSIONS, facade, hasFacade, ROOT } from './compiled.js';

/** CommonJS, as it is published: it starts twice as fast as modules do. */
const LIBRARY = ['lib', 'ffi'];
const FOLDERS = [...LIBRARY, 'examples', 'scripts', 'test/support'];

/** What the compiled files are of: they are made anew where it differs. */
const STAMP = join(COMPILED, 'stamp');

let isDone = false;

/** Compiles the sources that changed since the last time. Another worker of jest may do so too. */
export function compileSources(): void {
  if (isDone) return;
  isDone = true;
  const sources = FOLDERS.flatMap(sourcesIn).map((source) => ({
    source,
    changed: modificationTime(join(ROOT, source)),
  }));
  const compiler = ['test/support/compile.ts', 'package-lock.json'].map((file) => readFileSync(join(ROOT, file)));
  const stamp = createHash('sha256');
  for (const text of compiler) stamp.update(text);
  const version = stamp.copy().digest('hex');
  const state = stamp.update(JSON.stringify(sources)).digest('hex');
  const [oldVersion, oldState] = existsSync(STAMP) ? readFileSync(STAMP, 'utf8').split('\n') : [];
  if (oldState === state) return;
  for (const { source, changed } of sources) {
    if (oldVersion === version && modificationTime(compiled(source)) === changed) continue;
    const text = readFileSync(join(ROOT, source), 'utf8');
    const extension = extname(source);
    replace(compiled(source), extension in EXTENSIONS ? compile(text, extension, source) : text, changed);
  }
  describePackages();
  writeFacades();
  replace(STAMP, `${version}\n${state}\n`, 0);
}

/** A module of the examples finds 'ioth' by a package.json, and `ioth doctor` its version. */
function describePackages(): void {
  const { version, engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const exports = Object.entries(ENTRIES).map(([name, source]) => {
    const path = `./${relative(COMPILED, compiled(source))}`;
    return [name.replace('ioth', '.'), { import: hasFacade(source) ? facade(path) : path, require: path }];
  });
  const description = { name: 'ioth', version, engines, type: 'module', exports: Object.fromEntries(exports) };
  replace(join(COMPILED, 'package.json'), JSON.stringify(description), 0);
  const library = { type: 'commonjs', imports: { '#io/*': './io/*.js' } };
  for (const folder of LIBRARY) replace(join(COMPILED, folder, 'package.json'), JSON.stringify(library), 0);
}

/** What CommonJS exports Node finds by reading all of it again: for ES modules each entry has a module that lists them. */
function writeFacades(): void {
  const paths = Object.values(ENTRIES).filter(hasFacade).map(compiled);
  const program = 'JSON.stringify(process.argv.slice(1).map((path) => Object.keys(require(path))))';
  const lists: string[][] = JSON.parse(execFileSync(process.execPath, ['-p', program, ...paths], { encoding: 'utf8' }));
  for (const [i, path] of paths.entries()) {
    const names = lists[i]?.filter((name) => name !== 'default').join(', ');
    const head = "import { createRequire } from 'node:module';\nconst { ";
    const text = `${head}${names} } = createRequire(import.meta.url)('./index.js');\nexport { ${names} };\n`;
    replace(facade(path), text, 0);
  }
}

/** Compiles the text of a module. `ioth` and its entries are those of the checkout, wherever the module is put. */
export function compileText(text: string, name: string): string {
  const code = compile(text, '.mts', name);
  return code.replace(/(from |import\(|import )(['"])(ioth(?:\/[\w/-]+)?)\2/g, (_, words, quote, entry) => {
    const source = ENTRIES[entry];
    if (!source) throw new Error(`there is no entry ${entry}`);
    return `${words}${quote}${compiledUrl(source)}${quote}`;
  });
}

function compile(text: string, extension: string, filename: string): string {
  // the compiler is loaded only by tests that need it
  const { transformSync } = require('@swc/core') as typeof import('@swc/core');
  const isCommonJs = extension === '.cts' || isOfLibrary(filename);
  const options: Options = {
    filename,
    swcrc: false,
    configFile: false,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: isCommonJs ? { type: 'commonjs', exportInteropAnnotation: true } : { type: 'nodenext' },
  };
  const { code } = transformSync(text, options);
  return isCommonJs ? code : code.replace(/(['"])((?:\.\.\/)+(?:lib|ffi)\/(?:\w+\/)?index)\.js\1/g, '$1$2.mjs$1');
}

function isOfLibrary(source: string): boolean {
  return LIBRARY.some((folder) => source.startsWith(`${folder}/`));
}

function sourcesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.([cm]?ts|[cm]js|json)$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

/** In milliseconds; -1 of what is not there. */
function modificationTime(path: string): number {
  return Math.round(statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? -1);
}

/** Another run of the tests may read the file now, or write it too. */
function replace(path: string, text: string, mtimeMs: number): void {
  mkdirSync(dirname(path), { recursive: true });
  const own = `${path}.${process.pid}`;
  writeFileSync(own, text);
  utimesSync(own, mtimeMs / 1000, mtimeMs / 1000);
  renameSync(own, path);
}
