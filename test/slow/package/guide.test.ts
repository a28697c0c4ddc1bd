import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, run, start } from '../../support/child.js';
import { type Consumer, consumer } from '../../support/consumer.js';
import { asPrinted, type Block, blocksOf, PAGES } from '../../support/guide.js';
import { plainEnvironment } from '../../support/package.js';
import { PATIENCE_MS } from '../../support/until.js';

/*
 * The pages of the guide that have files: each is followed as a reader would, in an empty folder with the package from its
 * tarball. What `sh run` has is typed, in the page's order, and prints what the page says. /tmp/ is a fresh directory.
 */

/** timeout(1) ends what a command started, too. */
const COMMAND_LIMIT_S = 120;
/** What pages use besides ioth. */
const TOOLS = ['jest'];

const pages = PAGES.filter((page) => blocksOf(page).some(({ action }) => action === 'file'));

let user: Consumer;

beforeAll(async () => {
  user = await consumer(TOOLS);
  const bin = join(user.dir, 'node_modules/.bin');
  mkdirSync(bin);
  for (const name of ['ioth', ...TOOLS]) {
    const { bin: commands = {} } = JSON.parse(
      readFileSync(join(user.dir, 'node_modules', name, 'package.json'), 'utf8'),
    );
    for (const [command, file] of Object.entries<string>(
      typeof commands === 'string' ? { [name]: commands } : commands,
    )) {
      // as npm installs it
      symlinkSync(join('..', name, file), join(bin, command));
      chmodSync(join(bin, command), 0o755);
    }
  }
});

afterAll(() => user.remove());

it('finds pages with files', () => {
  expect(pages).toEqual(expect.arrayContaining(['docs/getting-started.md', 'docs/testing.md', 'docs/two-machines.md']));
});

it.each(pages)('%s can be followed', async (page) => {
  const folder = join(user.dir, page.replaceAll(/\W/g, '-'));
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary, { recursive: true });
  symlinkSync(join(user.dir, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, jest: { testTimeout: PATIENCE_MS } }));
  const local = ({ code }: Block) => code.replaceAll('/tmp/', `${temporary}/`);
  const options = {
    cwd: folder,
    env: { ...plainEnvironment, TMPDIR: temporary, NO_COLOR: '1' },
  };

  const meanwhile: Child[] = [];
  try {
    for (const block of blocksOf(page)) {
      if (block.action === 'file') writeFileSync(join(folder, block.detail), local(block));
      if (block.language !== 'sh') continue;
      const command = ['-k', '5', String(COMMAND_LIMIT_S), 'sh', '-ec', local(block)];
      if (block.action === 'run meanwhile') {
        const running = start('sh', ['-ec', `exec ${local(block)}`], options);
        meanwhile.push(running);
        await running.says(block.output ?? '');
      } else if (block.action === 'run') {
        const { code, stdout, stderr } = await run('timeout', command, options);
        const outcome = { where: block.where, code, stdout };
        expect({ ...outcome, stderr: code === 0 ? '' : stderr }).toEqual({
          ...outcome,
          code: 0,
          stdout: asPrinted(block.output, stdout),
          stderr: '',
        });
      }
    }
  } finally {
    for (const running of meanwhile) running.kill('SIGINT');
    await Promise.all(meanwhile.map(({ exit }) => exit));
  }
});
