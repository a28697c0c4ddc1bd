import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { ROOT } from '../support/compiled.js';

/** Imports of lib/ and ffi/ point one way, types included: docs/architecture.md. */

/** From the highest to the lowest; a room imports those behind it only. */
const ORDER = [
  'cli',
  'index',
  'lab',
  'fabric',
  'stack',
  'vdestack',
  'wire',
  'programs',
  'ping',
  'node',
  'config',
  'dns',
  'socket',
  'vde',
  'netlink',
  'process',
  'thread',
  'io',
  'address',
  'core',
  'constants',
  'ffi',
];

const SOURCES = ['lib', 'ffi'].flatMap((directory) =>
  readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.c?ts$/.test(file))
    .map((file) => join(directory, file)),
);

const importsOf = new Map(SOURCES.map((file) => [file, specifiersOf(file)]));

function specifiersOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const specifiers = /^(?:import|export)\b[^'";]*? from '([^']+)'|\bimport\('([^']+)'\)/gm;
  return Array.from(text.matchAll(specifiers), (found) => String(found[1] ?? found[2]));
}

function targetsOf(file: string): string[] {
  const local = (importsOf.get(file) ?? []).filter((specifier) => specifier.startsWith('.'));
  return local.map((specifier) => relative(ROOT, resolve(ROOT, dirname(file), specifier.replace(/js$/, 'ts'))));
}

/** 'socket' of lib/socket/operations/send.ts. */
function roomOf(file: string): string {
  const [top = '', room = ''] = file.split('/');
  return top === 'ffi' ? 'ffi' : room.replace(/\.ts$/, '');
}

test('what is imported is there', () => {
  expect(SOURCES.length).toBeGreaterThan(100);
  expect(SOURCES.flatMap(targetsOf).filter((target) => !importsOf.has(target))).toEqual([]);
  expect([...new Set(SOURCES.map(roomOf))].sort()).toEqual([...ORDER].sort());
});

test('a room imports those below it', () => {
  const upwards = SOURCES.flatMap((file) =>
    targetsOf(file)
      .filter((target) => ORDER.indexOf(roomOf(target)) < ORDER.indexOf(roomOf(file)))
      .map((target) => `${file} -> ${target}`),
  );
  expect(upwards).toEqual([]);
});

test('a constant is imported from its own file: through `export *` it costs a keyed load each time, once it is CommonJS', () => {
  const through = SOURCES.filter((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    const names = /^import \{([^}]*)\} from '[./]+constants\/index\.js'/m.exec(text)?.[1] ?? '';
    // index.ts has those itself
    return names.replace(/IOTHCONF_\w+/g, '').match(/\w/);
  });
  expect(through).toEqual([]);
});

test('no file imports itself through others', () => {
  const finished = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (path.includes(file) || finished.has(file)) return;
    for (const target of targetsOf(file)) visit(target, [...path, file]);
    finished.add(file);
  };
  for (const file of SOURCES) visit(file, []);
  expect(circles).toEqual([]);
});

test('only ffi/ imports koffi', () => {
  const users = SOURCES.filter((file) => importsOf.get(file)?.includes('koffi'));
  expect(users.filter((file) => roomOf(file) !== 'ffi')).toEqual([]);
});

/** The lines that have code: neither empty nor a comment alone. */
function linesOfCode(text: string): number {
  const withoutBlocks = text.replace(/^ *\/\*[\s\S]*?\*\/ *$/gm, '');
  return withoutBlocks.split('\n').filter((line) => /^\s*[^\s/]|^\s*\/[^/]/.test(line)).length;
}

test('no file has more than 400 lines of code', () => {
  const long = SOURCES.filter((file) => linesOfCode(readFileSync(join(ROOT, file), 'utf8')) > 400);
  expect(long).toEqual([]);
});
