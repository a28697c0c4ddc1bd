import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS as entries } from '../../../lib/cli/commands.js';
import { dispatch } from '../../../lib/cli/dispatch.js';
import { suggestion } from '../../../lib/cli/suggest.js';
import { buildCli, ioth, iothAtTerminal, startIoth } from '../../support/cli.js';
import { ROOT } from '../../support/compiled.js';

/* What is the same for every subcommand. */

const COMMANDS = Object.keys(entries);

beforeAll(buildCli);

it('ioth --help lists the commands; without any it does so as an error', async () => {
  const asked = await ioth(['--help']);
  expect(asked).toMatchObject({ code: 0, stderr: '' });
  for (const name of COMMANDS) expect(asked.stdout).toMatch(new RegExp(`^  ${name} +\\S`, 'm'));
  const bare = await ioth([]);
  expect(bare).toEqual({ code: 2, stdout: '', stderr: asked.stdout });
});

it('ioth --version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(await ioth(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

it.each([
  [['docter'], "there is no command 'docter': did you mean 'doctor'?"],
  [['frobnicate'], "there is no command 'frobnicate'\n"],
  [['--halp'], "there is no option '--halp'"],
  [['constructor'], "there is no command 'constructor'"],
])('%j: exit code 2, and what may be meant', async (args, message) => {
  const { code, stdout, stderr } = await ioth(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(message);
});

it('a slip is found, something else is not', () => {
  expect(['ipp', 'dgi', 'swich', 'repk', 'sw', 'x', 'network'].map((word) => suggestion(word, COMMANDS))).toEqual([
    'ip',
    'dig',
    'switch',
    'repl',
    'switch',
    undefined,
    undefined,
  ]);
});

describe.each(COMMANDS)('ioth %s', (name) => {
  let written: string[];
  beforeEach(() => {
    written = [];
    const write = (text: string | Uint8Array) => written.push(String(text)) > 0;
    jest.spyOn(process.stdout, 'write').mockImplementation(write);
    jest.spyOn(process.stderr, 'write').mockImplementation(write);
  });
  afterEach(() => jest.restoreAllMocks());

  it('has help, with each option on a line', async () => {
    expect(await dispatch([name, '--help'])).toBe(0);
    const help = written.join('');
    expect(help).toMatch(new RegExp(`^Usage: ioth ${name}\\b`));
    expect(help).toMatch(/^ {2}-h, --help +shows this text$/m);
    const asked = [...written];
    written = [];
    expect(await dispatch(['help', name])).toBe(0);
    expect(written).toEqual(asked);
  });

  it('refuses an option that it does not have', async () => {
    expect(await dispatch([name, '--no-such-option'])).toBe(2);
    expect(written.join('')).toContain("Unknown option '--no-such-option'");
    expect(written.join('')).toContain(`see 'ioth ${name} --help'`);
  });

  it('refuses too many arguments, or too few', async () => {
    const tooFew: Record<string, string[]> = { run: ['null://'], exec: ['null://'], dump: [] };
    const args = tooFew[name] ?? ['null://', 'a', '1', '2', '3'];
    expect(await dispatch([name, ...args])).toBe(2);
    expect(written.join('')).toMatch(/too (few|many)/);
  });
});

describe.each([
  ['repl', []],
  ['run', ['program.js']],
  ['exec', ['true']],
  ['ip', []],
  ['dig', ['example.org']],
  ['ping', ['10.0.0.1']],
  ['nc', ['10.0.0.1', '80']],
])('ioth %s: CONFIG', (name, args) => {
  it.each([
    ['null://,bananas', "config item 'bananas' must be an item of iothconf(3)"],
    ['eth,ip=10.0.0.1/24', 'stack must be a configuration that names the plugin'],
  ])('%s is bad: exit code 2', async (config, message) => {
    const { code, stdout, stderr } = await ioth([name, config, ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('of a network that nobody serves: exit code 1, and what would make one', async () => {
    const outcome = await ioth([name, 'vde:///nowhere/sw,eth', ...args]);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('ioth_newstack ENOENT');
    expect(outcome.stderr).toContain("'switch://PATH' makes one");
  });
});

it.each([[['--help']], [['ip', 'null://']]])(
  '%j whose reader is gone: it ends as by SIGPIPE, without a word',
  async (args) => {
    const running = startIoth(args);
    running.closeOutput();
    expect(await running.exit).toEqual({ code: 141, stdout: '', stderr: '' });
  },
);

it('is coloured at a terminal only, and not with NO_COLOR', async () => {
  const red = '\u001b[31m';
  expect((await ioth(['nonsense'])).stderr).not.toContain(red);
  expect((await iothAtTerminal(['nonsense']).exit).stdout).toContain(red);
  expect((await iothAtTerminal(['nonsense'], { NO_COLOR: '1' }).exit).stdout).not.toContain(red);
});
