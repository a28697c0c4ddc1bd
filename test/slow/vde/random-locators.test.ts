import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { startScript } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';

/** IOTH_FUZZ_SEED begins with the same locators as a run that failed. */
const seed = Number(process.env.IOTH_FUZZ_SEED ?? randomInt(1_000_000));
const OPENING_MS = 60_000;
/** A tenth of the time that others have: with -n 19 it is a hundredth, and the start of a program takes minutes of a busy machine. */
const OPTIONS = { limit: 500_000, prefix: ['nice', '-n', '10'] };

/** A control socket that nobody serves any more. */
async function deadSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.alive`);
  await once(server, 'listening');
  renameSync(`${path}.alive`, path);
  await new Promise((done) => server.close(done));
}

/** What stands in directories, and all that a change to it would change. */
function tree(...paths: string[]): string[] {
  return paths.flatMap((path) => {
    const { ino, mode, uid, size, mtimeNs, nlink } = lstatSync(path, { bigint: true });
    const stat = lstatSync(path);
    const content = stat.isFile() ? readFileSync(path, 'utf8') : stat.isSymbolicLink() ? readlinkSync(path) : '';
    // of a directory that a swapped one was in for a moment the time says nothing; of one without rights it says all to its owner
    const inside =
      stat.isDirectory() && (mode & 0o777n) !== 0n ? tree(...readdirSync(path).map((name) => join(path, name))) : [];
    return [[path, ino, mode, uid, size, mtimeNs, nlink, content].join(' '), ...inside];
  });
}

/** Directories, files and links that are nobody's node: the last ones have content wherever they are looked at. */
async function fill(dir: string, withEmpty: boolean): Promise<void> {
  const at = (...names: string[]) => join(dir, ...names);
  for (const name of ['files', 'mixed', 'sockets', 'deep-ctl', 'open']) mkdirSync(at(name));
  for (const name of ['ctl', 'fd3', '.00001-00000']) writeFileSync(at('files', name), 'precious');
  await deadSocket(at('mixed', 'ctl'));
  writeFileSync(at('mixed', 'fd3'), 'precious');
  await deadSocket(at('sockets', 'ctl'));
  await deadSocket(at('sockets', 'database'));
  mkdirSync(at('deep-ctl', 'ctl'));
  writeFileSync(at('deep-ctl', 'ctl', 'file'), 'precious');
  writeFileSync(at('open', 'ctl'), 'precious');
  chmodSync(at('open'), 0o777);
  writeFileSync(at('file'), 'precious');
  symlinkSync(at('files'), at('link'));
  symlinkSync(at('nowhere'), at('dangling'));
  if (!withEmpty) return;
  mkdirSync(at('gone'));
  await deadSocket(at('gone', 'ctl'));
  symlinkSync(at('gone'), at('link-to-gone'));
  renameSync(at('gone'), at('..', 'gone'));
  symlinkSync(at('..', 'gone'), at('link-outside'));
  for (const mode of [0o000, 0o500, 0o700, 0o777]) {
    mkdirSync(at(`empty-${mode.toString(8)}`));
    chmodSync(at(`empty-${mode.toString(8)}`), mode);
  }
}

const dir = temporaryDirectory();
// from Node.js 24 on, rmSync() removes no directory that it cannot read
afterAll(() => chmodSync(join(dir, 'outside', 'empty-0'), 0o700));

test(`random locators destroy nothing and crash nothing (IOTH_FUZZ_SEED=${seed})`, async () => {
  for (const name of ['outside', 'swapping', 'turns', 'cwd']) mkdirSync(join(dir, name));
  await fill(join(dir, 'outside'), true);
  await fill(join(dir, 'swapping'), false);
  // a directory above that leads here or there
  for (const name of ['turns/a', 'turns/b']) mkdirSync(join(dir, name));
  mkdirSync(join(dir, 'turns/a/node'));
  writeFileSync(join(dir, 'turns/a/node/ctl'), 'precious');
  mkdirSync(join(dir, 'turning-links'));
  symlinkSync(join(dir, 'turns/a'), join(dir, 'turning-links/a'));
  symlinkSync(join(dir, 'turns/b'), join(dir, 'turning-links/b'));
  // its path has no room for a node, nor has any buffer
  let deep = join(dir, 'd');
  while (deep.length < 3800) deep = join(deep, 'd'.repeat(200));
  mkdirSync(deep, { recursive: true });
  symlinkSync(deep, join(dir, 'deep'));

  const kept = [
    join(dir, 'outside'),
    join(dir, 'swapping'),
    join(dir, 'turns/a'),
    join(dir, 'turning-links'),
    join(dir, 'd'),
  ];
  // the swapped ones change their directory's own time only
  const directories = new Set([join(dir, 'swapping'), join(dir, 'turning-links')]);
  const state = () => [
    ...tree(...kept.filter((path) => !directories.has(path))),
    ...tree(...[...directories].flatMap((path) => readdirSync(path).map((name) => join(path, name)))),
  ];
  const was = state();
  const swaps = [
    startScript('swap.ts', [join(dir, 'swapping'), join(dir, 'swapped')], OPTIONS),
    startScript('swap.ts', [join(dir, 'turning-links'), join(dir, 'turning')], OPTIONS),
  ];
  await Promise.all(swaps.map((swap) => swap.line('swapping')));
  const fuzz = startScript('locators.ts', [seed, OPENING_MS, dir], OPTIONS);
  const { code, stdout, stderr } = await fuzz.exit;
  for (const swap of swaps) swap.end();
  const swapped = await Promise.all(swaps.map((swap) => swap.exit));
  expect({ code, said: stdout, stderr }).toEqual({
    code: 0,
    said: expect.stringMatching(/^done .*\n$/),
    // libvdeplug says which parameters it does not know
    stderr: expect.not.stringMatching(/error|warning|smash|abort/i),
  });
  for (const { stdout: said } of swapped) expect(said).toMatch(/^swapping\ndone [1-9]\d*\n$/);
  expect(state()).toEqual(was);
  expect(readdirSync(join(dir, 'cwd'))).toEqual([]);
  expect(await fuzz.groupGone()).toEqual([]);
});
