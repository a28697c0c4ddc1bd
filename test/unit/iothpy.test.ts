import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ioth from '../../lib/index.js';
import { ROOT } from '../support/compiled.js';
import * as names from '../support/python-names.js';

/** docs/iothpy.md: its tables have each public name of iothpy and of Python's socket, and what they say is here is here. */

interface Row {
  /** The names in the first column. */
  names: string[];
  /** What is in backticks in the second one; nothing where it says 'not here'. */
  here: string[];
}

const page = readFileSync(join(ROOT, 'docs/iothpy.md'), 'utf8');

const TABLES: [section: string, of: readonly string[]][] = [
  ['Stack', ['Stack', ...names.IOTHPY_STACK]],
  ['Sockets', [...names.IOTHPY_SOCKET, ...names.PYTHON_SOCKET]],
  ['Functions and classes', [...names.IOTHPY, ...names.PYTHON].filter((name) => name !== 'Stack' && !isConstant(name))],
];

it.each(TABLES)('%s: has each name once, and no other', (section, of) => {
  const listed = rowsOf(section).flatMap((row) => row.names);
  expect(listed.sort()).toEqual([...new Set(of)].sort());
});

it.each(TABLES)('%s: what is here is here', (section) => {
  const rows = rowsOf(section);
  const missing = rows.flatMap((row) => row.here).filter((name) => !isHere(name));
  expect(missing).toEqual([]);
  for (const { names, here } of rows) expect({ names, isEmpty: here.length === 0 }).toEqual({ names, isEmpty: false });
});

it('has each constant, here or among those that are not', () => {
  const families = rowsOf('Constants').flatMap((row) => row.names);
  const isListed = (name: string) => families.some((family) => matches(family, name));
  const all = [...names.PYTHON_CONSTANTS, ...names.IOTHPY_LINK_CONSTANTS];
  const missing = all.filter((name) => !(name in ioth.constants));
  expect(missing.filter((name) => !isListed(name))).toEqual([]);
  expect(families.filter((family) => !missing.some((name) => matches(family, name)))).toEqual([]);
});

it('names constants that are here', () => {
  const [, section = ''] = page.split('\n## Constants\n');
  const shown = inBackticks(section.split('\n|')[0] ?? '').filter(isConstant);
  expect(shown.length).toBeGreaterThan(5);
  expect(shown.filter((name) => !(name in ioth.constants))).toEqual([]);
});

function rowsOf(section: string): Row[] {
  const [, text = ''] = page.split(`\n## ${section}\n`);
  const [body = ''] = text.split('\n## ');
  return body
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [, first = '', second = ''] = line.split('|');
      return { names: inBackticks(first), here: second.trim() === 'not here' ? ['not here'] : inBackticks(second) };
    });
}

function inBackticks(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

/** `stack.bind()`, `socket.family`, `Stack.create()`, `new Stack()`, `inet_aton()`; with parentheses it is a function. */
function isHere(text: string): boolean {
  if (text === 'not here') return true;
  const [, owner, name = '', call] = /^(?:new )?(?:(\w+)\.)?(\w+)(\(\))?$/.exec(text) ?? [];
  const prototypes: Record<string, object> = { stack: ioth.Stack.prototype, socket: ioth.Socket.prototype };
  // what a socket has from its constructor
  if (owner === 'socket' && ['stack', 'family', 'type', 'proto'].includes(name)) return true;
  const holder = owner === undefined ? ioth : (prototypes[owner] ?? Reflect.get(ioth, owner));
  if (holder === undefined || !(name in holder)) return false;
  return call === undefined || typeof Reflect.get(holder, name) === 'function';
}

function isConstant(name: string): boolean {
  return /^[A-Z][A-Z0-9]*_[A-Z0-9_]+$/.test(name) && !name.startsWith('CMSG_');
}

function matches(family: string, name: string): boolean {
  return family.endsWith('*') ? name.startsWith(family.slice(0, -1)) : name === family;
}
