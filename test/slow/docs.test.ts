import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { run } from '../support/child.js';
import { compileSources, compileText } from '../support/compile.js';
import { ROOT, TSC } from '../support/compiled.js';
import { workDirectory } from '../support/directory.js';
import { asPrinted, type Block, blocksOf, PAGES, textOf } from '../support/guide.js';

/*
 * The samples of README.md and docs/ (test/support/guide.ts): each block of `ts` compiles, each one marked `ts run` is also
 * run. Samples may use what GLOBALS declares; /tmp/ is a fresh directory.
 */

const GLOBALS = `
import type { Socket, Stack } from 'ioth';
declare global {
  /** Two stacks on a switch: left is 10.0.0.1 and fd00::1, right 10.0.0.2 and fd00::2, on vde0. */
  var left: Stack;
  var right: Stack;
  /** A TCP connection between the two. */
  var client: Socket;
  var server: Socket;
}
`;

// each sample has the network to itself
const RUNNER = `
import { AF_INET, AF_INET6, Stack } from 'ioth';
const [dir, ...samples] = process.argv.slice(2);

function configure(stack: Stack, number: number): Stack {
  const ifindex = stack.if_nametoindex('vde0');
  stack.linksetupdown(stack.if_nametoindex('lo'), true);
  stack.linksetupdown(ifindex, true);
  stack.ipaddr_add(AF_INET, '10.0.0.' + number, 24, ifindex);
  stack.ipaddr_add(AF_INET6, 'fd00::' + number, 64, ifindex);
  return stack;
}

for (const sample of samples) {
  console.log('--- ' + sample);
  globalThis.left = configure(new Stack('vdestack', 'switch://' + dir + '/docs'), 1);
  globalThis.right = configure(new Stack('vdestack', 'vde://' + dir + '/docs'), 2);
  const listener = left.socket();
  listener.bind(['10.0.0.1', 1]);
  listener.listen();
  globalThis.client = right.socket();
  await client.connect(['10.0.0.1', 1]);
  [globalThis.server] = await listener.accept();
  listener.close();
  const late = setTimeout(() => { console.log('too late'); process.exit(1); }, 120_000);
  await import(sample);
  clearTimeout(late);
  await right.close();
  await left.close();
}
`;

const blocks = PAGES.flatMap(blocksOf);
const samples = blocks.filter(({ language }) => language === 'ts');
const runs = samples.filter(({ action }) => action === 'run');
const pageOf = ({ where }: Block) => where.replace(/:.*/, '');

/** The network that a sample joins and did not make is that of the two stacks. */
const localised = (code: string) =>
  code.includes('switch:///tmp/net') ? code : code.replaceAll('vde:///tmp/net', 'vde:///tmp/docs');

describe('the samples of the guide', () => {
  const { dir, remove } = workDirectory();
  const fileOf = (sample: Block) => join(dir, `sample${samples.indexOf(sample)}.mts`);

  beforeAll(() => {
    const paths = {
      ioth: [join(ROOT, 'lib/index.ts')],
      'ioth/ffi': [join(ROOT, 'ffi/index.ts')],
      'ioth/vde': [join(ROOT, 'lib/vde/index.ts')],
      'ioth/lab': [join(ROOT, 'lib/lab/index.ts')],
      'ioth/lab/*': [join(ROOT, 'lib/lab/*.ts')],
    };
    const compilerOptions = {
      noEmit: true,
      rootDir: '/',
      noUnusedLocals: false,
      typeRoots: [join(ROOT, 'node_modules/@types')],
      types: ['node', 'jest'],
      paths,
    };
    const config = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: ['.'] };
    writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(config));
    writeFileSync(join(dir, 'globals.d.mts'), GLOBALS);
    write(join(dir, 'runner.mts'), RUNNER);
    // the packages that samples use beside this one
    symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
    for (const sample of samples) {
      const text = localised(sample.code).replaceAll('/tmp/', `${dir}/`);
      write(fileOf(sample), `// ${sample.where}\n${text}\nexport {};\n`, sample.action === 'run');
    }
    compileSources();
  });

  /** A sample, for the compiler, and what runs of it. */
  function write(file: string, text: string, isRun = true): void {
    writeFileSync(file, text);
    if (isRun) writeFileSync(compiledFile(file), compileText(text, file));
  }

  const compiledFile = (file: string) => file.replace(/mts$/, 'mjs');

  afterAll(remove);

  it('compile', async () => {
    const { code, stdout } = await run(TSC, ['-p', dir]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });

  it.each([...new Set(runs.map(pageOf))])('of %s run, and print what it says', async (page) => {
    const ofPage = runs.filter((sample) => pageOf(sample) === page);
    const urls = ofPage.map((sample) => pathToFileURL(compiledFile(fileOf(sample))).href);
    // a sample leaves its sockets to its stack: which of them are collected before is the garbage collector's business
    const args = ['--disable-warning=IOTH_FORGOTTEN', compiledFile(join(dir, 'runner.mts')), dir, ...urls];
    const { code, stdout, stderr } = await run(process.execPath, args);
    const printed = stdout.split(/^--- .*\n/m).slice(1);
    expect({ code, stderr, last: code === 0 ? '' : ofPage[printed.length - 1]?.where }).toEqual({
      code: 0,
      stderr: '',
      last: '',
    });
    const expected = ofPage.map(({ where, output }, i) => ({ where, output: asPrinted(output, printed[i] ?? '') }));
    expect(ofPage.map(({ where }, i) => ({ where, output: printed[i] }))).toEqual(expected);
  });
});

it('says of each block what is done with it, or why it is not run', () => {
  expect(blocks.filter(({ action }) => !action).map(({ where }) => where)).toEqual([]);
  const fences = PAGES.flatMap((page) => textOf(page).match(/^ *```/gm) ?? []);
  expect(blocks.length * 2).toBe(fences.length);
});

it('links only to what is there', () => {
  const anchors = (page: string) =>
    [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
  for (const page of PAGES) {
    for (const [, target = '', anchor] of textOf(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const path = target === '' ? page : join(page, '..', target);
      const there = existsSync(join(ROOT, path)) && (!anchor || anchors(path).includes(anchor));
      expect({ page, target, anchor, there }).toEqual({ page, target, anchor, there: true });
    }
  }
});
