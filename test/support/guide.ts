import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './compiled.js';

/*
 * The blocks of code in README.md and docs/. What stands behind the language says what a test does with a block:
 *
 *     ```ts run              a program: test/docs.test.ts runs it between two stacks
 *     ```sh run              commands: test/package/guide.test.ts runs them in a folder that has the files of the page
 *     ```sh run meanwhile    the same, until the end of the page
 *     ```js file NAME        a file of that folder
 *     ```ts not run: REASON  TypeScript is compiled nevertheless
 *
 * A block of `text` right behind one that is run is what it prints; '…' stands for anything.
 */

export interface Block {
  page: string;
  /** 'README.md:40' */
  where: string;
  language: string;
  action: 'run' | 'run meanwhile' | 'file' | 'not run' | 'output' | undefined;
  /** Of a file its name; the reason for which it is not run. */
  detail: string;
  code: string;
  /** What it prints, where the page says so. */
  output: string | undefined;
}

export const PAGES: readonly string[] = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

export const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

const FENCES = /^ *```(.*)\n([\s\S]*?)^ *```$/gm;
const INFO = /^(\w+) (?:(run meanwhile|run)|(file) (\S+)|(not run): (\S.+))$/;

/** The blocks of a page, in their order. */
export function blocksOf(page: string): Block[] {
  const text = textOf(page);
  const blocks: Block[] = [];
  let endOfLast = 0;
  for (const { index, 0: whole, 1: info = '', 2: code = '' } of text.matchAll(FENCES)) {
    const where = `${page}:${text.slice(0, index).split('\n').length}`;
    const [, language = '', run, file, name, unrun, reason] = INFO.exec(info) ?? [];
    const action = (run ?? file ?? unrun) as Block['action'];
    const block = { page, where, language, action, detail: name ?? reason ?? '', code };
    const last = blocks.at(-1);
    if (info === 'text' && last?.action?.startsWith('run') && text.slice(endOfLast, index) === '\n\n') {
      last.output = code;
      block.action = 'output';
    }
    blocks.push({ ...block, output: undefined });
    endOfLast = index + whole.length;
  }
  return blocks;
}

/** What was printed, where the page says the same; else what the page says. */
export function asPrinted(said: string | undefined, printed: string): string {
  if (said === undefined) return printed;
  const pattern = said
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^]*?');
  return new RegExp(`^${pattern}$`).test(printed) ? printed : said;
}
