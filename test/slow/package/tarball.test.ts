import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../../support/child.js';
import { ROOT } from '../../support/compiled.js';
import { type Consumer, consumer } from '../../support/consumer.js';
import { builtPackage, plainEnvironment } from '../../support/package.js';

/** Of what `import 'ioth'` loads, with its declarations. */
const MAX_PACKED_SIZE = 260_000;
/** What has an entry, or a command, of its own, or is loaded when it is needed. */
const APART = [
  'lab.schema.json',
  'lab-page',
  ...['cli', 'lab', 'fabric', 'vde', 'wire', 'thread'].map((room) => `lib/${room}`),
].map((name) => `dist/${name}`);
const MAX_PACKED_SIZE_APART = 225_000;
/** Of the page of a lab, with its terminal. */
const PAGE = 'dist/lab-page';
const MAX_PACKED_SIZE_OF_PAGE = 400_000;
/** The sources, and the maps that lead to them. Node reads these only with --enable-source-maps. */
const SOURCES = ['lib', 'ffi'];
const MAX_PACKED_SIZE_OF_SOURCES = 600_000;
/** For people. */
const GUIDE = ['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'SECURITY.md', 'docs', 'examples'];
const MAX_PACKED_SIZE_OF_GUIDE = 150_000;

const WITHOUT_NETWORK = process.getuid?.() === 0 ? ['unshare', '-n'] : ['unshare', '-Urn'];

let user: Consumer;
let installed: string;

beforeAll(async () => {
  user = await consumer();
  installed = join(user.dir, 'node_modules/ioth');
});

afterAll(() => user.remove());

const filesOf = (directory: string): string[] =>
  readdirSync(join(installed, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));

it('holds what runs, its declarations and sources, and the guide, and nothing else', () => {
  expect(readdirSync(installed).sort()).toEqual([...GUIDE, ...SOURCES, 'dist', 'package.json'].sort());
  expect(readdirSync(join(installed, 'dist')).sort()).toEqual([
    'ffi',
    'lab-page',
    'lab.schema.json',
    'lib',
    'package.json',
  ]);
  expect(readdirSync(join(installed, PAGE)).sort()).toEqual(['page.html', 'terminal.js']);
  const built = /\.([cm]?js|[cm]?js\.map|d\.[cm]?ts)$|^dist\/(package|lab\.schema)\.json$|^dist\/lab-page\//;
  expect(filesOf('dist').filter((name) => !built.test(name))).toEqual([]);
  expect(SOURCES.flatMap(filesOf).filter((name) => !/\.([cm]?ts|mjs)$/.test(name))).toEqual([]);
});

it('is small', () => {
  const size = (...args: string[]) =>
    execFileSync('sh', ['-c', 'tar -c "$@" | gzip -9', 'sh', '-C', installed, ...args], { maxBuffer: 2 ** 24 }).length;
  const withoutMaps = '--exclude=*.map';
  const maps = filesOf('dist').filter((name) => name.endsWith('.map'));
  const without = APART.map((room) => `--exclude=${room}`);
  expect(size(withoutMaps, ...without, 'dist', 'package.json')).toBeLessThan(MAX_PACKED_SIZE);
  expect(size(withoutMaps, `--exclude=${PAGE}`, ...APART)).toBeLessThan(MAX_PACKED_SIZE_APART);
  expect(size(PAGE)).toBeLessThan(MAX_PACKED_SIZE_OF_PAGE);
  expect(size(...maps, ...SOURCES)).toBeLessThan(MAX_PACKED_SIZE_OF_SOURCES);
  expect(size(...GUIDE)).toBeLessThan(MAX_PACKED_SIZE_OF_GUIDE);
});

// the pictures are in the repository only
it('has what its guide links to', () => {
  const pages = GUIDE.flatMap((name) => (name.endsWith('.md') ? [name] : name === 'docs' ? filesOf(name) : []));
  const dead = pages.flatMap((page) => {
    const links = readFileSync(join(installed, page), 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g);
    return Array.from(links, ([, target = '']) => target)
      .filter((target) => !/^https?:|^images\//.test(target) && !existsSync(join(installed, dirname(page), target)))
      .map((target) => `${page}: ${target}`);
  });
  expect(pages.length).toBeGreaterThan(20);
  expect(dead).toEqual([]);
});

it('shows lines of TypeScript in a stack trace', async () => {
  user.write({
    'trace.mjs': `
import { Stack } from 'ioth';
try { new Stack('vdestack', ['a:']); } catch ({ stack }) { console.log(stack); }
`,
  });
  const { stdout } = await user.node(['--enable-source-maps', 'trace.mjs']);
  const frames = Array.from(stdout.matchAll(/\/node_modules\/ioth\/(\S+):(\d+):\d+\)/g), ([, file = '', line]) => ({
    file,
    text: readFileSync(join(installed, file), 'utf8').split('\n')[Number(line) - 1]?.trim(),
  }));
  expect(frames[0]).toEqual({
    file: 'lib/core/validate.ts',
    text: expect.stringMatching(/^return new InvalidArgValueError\(/),
  });
  expect(frames.at(-1)).toEqual({ file: 'lib/stack/stack.ts', text: expect.stringContaining('checkArguments(') });
});

it.each([
  ['publint', ['publint/src/cli.js', 'run', '--strict']],
  ['arethetypeswrong', ['@arethetypeswrong/cli/dist/index.js', '--no-emoji']],
])('%s finds nothing, without a network', async (_name, [command = '', ...args]) => {
  const { tarball } = await builtPackage();
  const options = { prefix: WITHOUT_NETWORK, env: { ...plainEnvironment, NO_COLOR: '1' } };
  const { code, stdout } = await run(
    process.execPath,
    [join(ROOT, 'node_modules', command), ...args, tarball],
    options,
  );
  expect({ code, said: code === 0 ? '' : stdout }).toEqual({ code: 0, said: '' });
});
