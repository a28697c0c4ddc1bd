import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Child } from '../../support/child.js';
import { buildCli, iothAsJob } from '../../support/cli.js';
import { useDirectory } from '../../support/directory.js';
import { useNetwork } from '../../support/network.js';
import { until } from '../../support/until.js';

/* The window is closed, or the connection ends: SIGHUP, and each use of the terminal is EIO. */

beforeAll(buildCli);

const state = useDirectory();
// afterEach sees that the stack has left the switch
const lan = useNetwork(1, 'test');

const AFTER_SIGHUP = '129\n';

/** The exit code of what runs at a terminal, after that went away. */
async function codeWithout(terminal: Child, file: string): Promise<string> {
  process.kill(terminal.pid, 'SIGKILL');
  await until('it has ended', () => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
  return readFileSync(file, 'utf8');
}

it('a command ends as after SIGHUP', async () => {
  const file = join(state.path, 'code');
  const terminal = iothAsJob(['switch', join(state.path, 'sw')], file);
  await terminal.says(state.path);
  expect(await codeWithout(terminal, file)).toBe(AFTER_SIGHUP);
});

it.each([
  ['', '40 + 2'],
  [', also where a line ignores SIGHUP and goes on to print', ignoringHangup('stdout')],
  [', also where a line ignores SIGHUP and goes on to print errors', ignoringHangup('stderr')],
])('the REPL ends as after SIGHUP%s', async (_, line) => {
  const file = join(state.path, 'code');
  const terminal = iothAsJob(['repl', `${lan.vnl},eth,ip=10.0.0.2/24`], file, { NO_COLOR: '1' });
  await terminal.says('ioth> ');
  terminal.write(`${line}\r`);
  await terminal.says('42\r');
  expect(await codeWithout(terminal, file)).toBe(AFTER_SIGHUP);
});

it.each([
  ['the REPL', ['repl'], 'ioth> '],
  ['a lab', ['lab', '-t', 'star=2'], 'lab> '],
])('%s ends as after SIGHUP where only its input ends', async (_, args, prompt) => {
  const file = join(state.path, 'code');
  const terminal = iothAsJob(args, file, { NO_COLOR: '1', TMPDIR: state.path, XDG_STATE_HOME: state.path }, ':');
  await terminal.says(prompt);
  expect(await codeWithout(terminal, file)).toBe(AFTER_SIGHUP);
});

function ignoringHangup(stream: 'stdout' | 'stderr'): string {
  const ignore = "process.removeAllListeners('SIGHUP').on('SIGHUP', () => {})";
  return `${ignore}; setInterval(() => process.${stream}.write('x'), 10); 40 + 2`;
}
