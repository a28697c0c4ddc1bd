/**
 * Opens networks at random locators and paths: `locators.ts SEED MILLISECONDS DIRECTORY`, where all paths are. What breaks the rules
 * is printed as 'BAD …'; the end is 'done', with what became of the calls.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { IothError, Stack } from '../../../lib/index.js';
import { Link } from '../../../lib/lab/index.js';
import { VdePort } from '../../../lib/vde/index.js';
import { lasting } from '../until.js';

const [seed, milliseconds, dir = ''] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];

// mulberry32
let state = seed;
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

function below(limit: number): number {
  return Math.floor(random() * limit);
}

function pick<T>(values: readonly T[]): T {
  return values[below(values.length)] as T;
}

const CHARACTERS = [
  'x',
  'é',
  '😀',
  ' ',
  "'",
  '"',
  '\\',
  '%',
  '%41',
  '%2e',
  '%00',
  '[',
  ']',
  '{',
  '}',
  '=',
  ':',
  '+',
  '\n',
  '.',
  '-',
  '0',
];

function text(length: number): string {
  if (length > 300) return pick(['x', 'é', '%41', "'", '[', '{']).repeat(length);
  return Array.from({ length }, () => pick(CHARACTERS)).join('');
}

function anyLength(): number {
  return pick([below(4), below(20), 80 + below(40), 200 + below(60), 3900 + below(400), below(200_000)]);
}

/** What is in the directory already, and what is not. */
const STATIC = readdirSync(join(dir, 'outside')).map((name) => join(dir, 'outside', name));

function path(): string {
  switch (below(7)) {
    case 0:
      return join(dir, 'swapped');
    case 1:
      return join(dir, 'turning/node');
    case 2:
      return pick(STATIC);
    case 3:
      return join(dir, 'cwd', text(anyLength()));
    case 4:
      return `${dir}/cwd/${'/'.repeat(below(3))}n${pick(['', '/', '/.', '/../n', '//'])}`;
    case 5:
      return `cwd-${text(anyLength())}`.replaceAll('/', '');
    default:
      return join(dir, 'deep', pick(['', 'n']));
  }
}

const NODES = ['switch', 'hub', 'multi', 'bonding'];

function locator(): string {
  switch (below(10)) {
    case 0:
      return `vde://${path()}${pick(['', '[3]', '[', `[${text(below(200))}]`])}`;
    case 1:
      return path();
    case 2:
      return `ptp://${dir}/cwd/${text(pick([0, 3, below(110)])).replaceAll('/', '')}`;
    case 3:
      return `seqpacket://${pick([text(below(10)), String(5000 + below(2 ** 31)), '9'.repeat(below(30)), '-1', '', 'hello'])}`;
    case 4:
      return `${pick(['nosuch', 'tap', '', text(below(10)).replaceAll('/', '')])}://${text(20 + below(200_000))}`;
    case 5:
      return `${pick(NODES)}:/${text(below(10)).replaceAll('/', '')}`;
    default:
      return `${pick(NODES)}://${path()}${pick(['', '', '', '[mode=660]', '[mode=', `[${text(below(30)).replaceAll('/', '')}]`])}`;
  }
}

const VALUES: readonly unknown[] = [
  undefined,
  null,
  0,
  1.5,
  true,
  {},
  [],
  Symbol('s'),
  10n,
  () => 'x',
  Buffer.from('x'),
];

const outcomes = new Map<string, number>();
const open: { close(): Promise<void> }[] = [];

async function one(): Promise<void> {
  const vnl = random() < 0.02 ? (pick(VALUES) as string) : locator();
  const kind = pick(['port', 'port', 'port', 'port', 'stack', 'link']);
  let outcome = `${kind} opened`;
  try {
    if (kind === 'stack') open.push(new Stack('vdestack', vnl));
    else if (kind === 'link') open.push(await Link.create('null://', vnl));
    else open.push(await VdePort.open(vnl, { timeout: 5000, ...(random() < 0.1 && { mode: below(0o777) | 0o700 }) }));
  } catch (error) {
    const { code } = error as { code?: unknown };
    outcome = `${kind} ${code}`;
    const isKnown = error instanceof IothError || /^ERR_(INVALID_ARG|OUT_OF_RANGE)/.test(String(code));
    if (!isKnown) console.log(`BAD ${kind} ${inspect(vnl).slice(0, 300)}: ${inspect(error)}`);
    if (String(error).length > 10_000) console.log(`BAD ${kind}: a message of ${String(error).length} characters`);
  }
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  while (open.length > below(4)) await open.splice(below(open.length), 1)[0]?.close();
}

process.chdir(join(dir, 'cwd'));
await one();
const goesOn = lasting(milliseconds);
while (goesOn()) await one();
for (const each of open) await each.close();
console.log(`done ${JSON.stringify(Object.fromEntries([...outcomes].sort()))}`);
