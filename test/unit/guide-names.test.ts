import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../../lib/cli/commands.js';
import { QUERY_CODES } from '../../lib/dns/errors.js';
import { FAULT_NAMES } from '../../lib/fabric/faults.js';
import * as ioth from '../../lib/index.js';
import { ROOT } from '../support/compiled.js';
import { PAGES, textOf } from '../support/guide.js';

/* What the guide names is there, and what is there stands on the page of all names. */

/** Objects that pages call so, as `stack.run` or `socket.sync.recv(…)`. */
let objects: Record<string, object>;
let stack: ioth.Stack;

beforeAll(() => {
  stack = new ioth.Stack('vdestack');
  const socket = stack.socket();
  objects = { ioth, stack, socket, left: stack, right: stack, Stack: ioth.Stack, Socket: ioth.Socket };
});
afterAll(() => stack.close());

/** The text of a page without its blocks of code, which are compiled or run. */
const proseOf = (page: string) => textOf(page).replaceAll(/^```[\s\S]*?^```$/gm, '');

function hasPath(root: object, path: readonly string[]): boolean {
  let value: unknown = root;
  for (const name of path) {
    if (value === null || !['object', 'function'].includes(typeof value) || !(name in (value as object))) return false;
    value = (value as Record<string, unknown>)[name];
  }
  return true;
}

it('names no method that does not exist', () => {
  const missing: string[] = [];
  let found = 0;
  for (const page of PAGES) {
    for (const [, text = ''] of proseOf(page).matchAll(/`([^`\n]+)`/g)) {
      const [, root = '', path = ''] =
        /\b(ioth|stack|socket|left|right|Stack|Socket)((?:\.[a-zA-Z]\w*)+)/.exec(text) ?? [];
      if (root === '' || /\.(js|ts|md|mjs|json)$/.test(text)) continue;
      found++;
      const names = path.slice(1).split('.');
      const owners = [objects[root], root === 'Socket' ? objects.socket : root === 'Stack' ? objects.stack : undefined];
      if (!owners.some((owner) => owner && hasPath(owner, names))) missing.push(`${page}: ${text}`);
    }
  }
  expect(missing).toEqual([]);
  expect(found).toBeGreaterThan(30);
});

it('names no variable of the environment and no code of an error that does not exist', () => {
  const sources = ['lib', 'ffi', 'test', 'scripts'].flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')),
  );
  const all = sources.join('\n');
  for (const page of PAGES) {
    for (const [name] of proseOf(page).matchAll(/\b(?:IOTH|ERR)_[A-Z_]*[A-Z]\b/g)) {
      expect({ page, name, there: all.includes(name) }).toEqual({ page, name, there: true });
    }
  }
});

it('explains each code that ioth gives to an error', () => {
  const sources = readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.c?ts$/.test(name),
  );
  const given = sources.flatMap((name) =>
    Array.from(
      readFileSync(join(ROOT, 'lib', name), 'utf8').matchAll(/\b(?:IothError|fail|DnsError)\(\s*'(E[A-Z_]+)'/g),
      ([, code = '']) => code,
    ),
  );
  expect(given.length).toBeGreaterThan(80);
  const explained = new Set(Array.from(textOf('docs/errors.md').matchAll(/`(E[A-Z_]+)`/g), ([, code]) => code));
  expect([...given, ...QUERY_CODES].filter((code) => !explained.has(code))).toEqual([]);
});

it('has a section and a place in lists for each command', () => {
  const commands = Object.keys(COMMANDS);
  expect([...textOf('docs/cli.md').matchAll(/^## (\w+)$/gm)].map(([, name]) => name)).toEqual(
    expect.arrayContaining(commands),
  );
  const [, list = ''] = /^- \[The command\]\(docs\/cli\.md\): (.*)$/m.exec(textOf('README.md')) ?? [];
  expect(list.match(/[a-z]+(?=`)/g)).toEqual(commands);
});

it('has each fault of a link in the table of faults, and in the list of what a network of a lab takes', () => {
  const [, table = ''] = textOf('docs/links.md').split('\n## Faults\n');
  const [section = ''] = table.split('\n## ');
  const [list = ''] = /^\| `networks\.x\.delay`.*$/m.exec(textOf('docs/lab.md')) ?? [];
  for (const text of [section, list]) {
    const named = [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    expect(named).toEqual(expect.arrayContaining([...FAULT_NAMES]));
  }
});

describe('the page of all names', () => {
  const sections: Record<string, string[] | undefined> = Object.fromEntries(
    textOf('docs/api.md')
      .split(/^## /m)
      .map((section) => [section.split('\n', 1)[0], namesIn(section)]),
  );

  function namesIn(section: string): string[] {
    const rows = section.split('\n').filter((line) => line.startsWith('|'));
    return rows.flatMap((row) => [...row.matchAll(/`([a-zA-Z]\w*)(?:\.\w+)?`/g)].map(([, name = '']) => name));
  }

  /** What is for our own rooms only is marked so, and is not in the declarations. */
  const internal = new Set(
    ['stack', 'socket'].flatMap((room) =>
      readdirSync(join(ROOT, 'lib', room))
        .filter((name) => name.endsWith('.ts'))
        .flatMap((name) => {
          const text = readFileSync(join(ROOT, 'lib', room, name), 'utf8');
          const marked = /@internal[^/]*\*\/\s*(?:(?:abstract|protected|readonly|async|static|get) )*(\w+)/g;
          return [...text.matchAll(marked)].map(([, member = '']) => member);
        }),
    ),
  );

  function publicNamesOf(object: object): string[] {
    const names: string[] = [];
    for (let level = object; level !== null && level !== Object.prototype; level = Object.getPrototypeOf(level)) {
      if (level.constructor?.name === 'EventEmitter') break;
      names.push(...Object.getOwnPropertyNames(level));
    }
    return [...new Set(names)].filter((name) => name !== 'constructor' && !name.startsWith('_') && !internal.has(name));
  }

  it('has every method of a stack, and no other', () => {
    const listed = sections.Stack?.filter((name) => name !== 'using') ?? [];
    expect(publicNamesOf(stack).filter((name) => !listed.includes(name))).toEqual([]);
    expect(listed.filter((name) => !(name in stack))).toEqual([]);
  });

  it('has every method of a socket, and no other', () => {
    const socket = objects.socket as object;
    const listed = sections.Socket?.filter((name) => name !== 'using') ?? [];
    expect(publicNamesOf(socket).filter((name) => !listed.includes(name))).toEqual([]);
    expect(listed.filter((name) => !(name in socket))).toEqual([]);
  });

  it('has every name of the module but the constants, and no other', () => {
    const listed = sections['The module']?.filter((name) => !name.endsWith('_')) ?? [];
    const exported = Object.keys(ioth).filter((name) => !(name in ioth.constants));
    expect(exported.filter((name) => !listed.includes(name))).toEqual([]);
    expect(listed.filter((name) => !(name in ioth))).toEqual([]);
  });
});
