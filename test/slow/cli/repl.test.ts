import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Child } from '../../support/child.js';
import { buildCli, ioth, iothAtTerminal } from '../../support/cli.js';
import { useDirectory } from '../../support/directory.js';
import { useNetwork } from '../../support/network.js';
import { childOf, untilItPolls } from '../../support/processes.js';

/* A person at a terminal: script(1) has the pseudo-terminal, what is written to it is typed. */

const TAB = '\t';
const UP = '\u001b[A';
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

beforeAll(buildCli);

const sessions: Child[] = [];
// those of a test that failed
afterEach(() => Promise.all(sessions.splice(0).map((session) => session.stop())));
const state = useDirectory();
const lan = useNetwork(1, 'test');

/** A REPL that shows its prompt. */
async function repl(...args: string[]): Promise<Child> {
  const running = iothAtTerminal(['repl', ...args], { XDG_STATE_HOME: state.path, NO_COLOR: '1' });
  sessions.push(running);
  await running.says('ioth> ');
  return running;
}

const config = () => `${lan.vnl},eth,ip=10.0.0.2/24`;

it('type, complete, read, Ctrl-D', async () => {
  const session = await repl(config());
  session.write('stack.name\r');
  await session.says("'vdestack'");
  // what comes with other characters at once is pasted, not typed: nothing is completed
  session.write('AF_INE');
  // the preview of what Tab would give, and then of what it gave
  await session.says('// 2');
  session.write(TAB);
  await session.says('// 2', 2);
  session.write(TAB);
  await session.says('AF_INET6');
  session.write(' + 40\r');
  await session.says('\n42\r');
  session.write(CTRL_D);
  const { code, stdout } = await session.exit;
  expect(code).toBe(0);
  expect(stdout).toMatch(/stack = Stack <vdestack, vde:.*daemon \d+>/);
});

it('await, a declaration, sockets of another stack, and the dot-commands', async () => {
  const session = await repl(config());
  session.write("const other = new Stack('vdestack', 'null://')\r");
  session.write('.stacks\r');
  await session.says('Stack <vdestack, null://, daemon');
  session.write("const listener = stack.socket(); listener.bind(['10.0.0.2', 5000]); listener.listen()\r");
  await session.says('Socket <TCP 10.0.0.2:5000 listening');
  session.write('const accepted = listener.accept()\r');
  await session.says('undefined', 2);
  const socket = lan.stacks[0]!.socket();
  await socket.connect(['10.0.0.2', 5000]);
  await socket.sendall('typed by a peer');
  session.write('String(await (await accepted)[0].recv(100))\r');
  await session.says("'typed by a peer'");
  session.write('.sockets\r');
  await session.says('tcp  LISTEN       10.0.0.2:5000');
  await session.says('tcp  ESTABLISHED  10.0.0.2:5000  10.0.0.1:');
  session.write('.ip\r');
  await session.says('10.0.0.2/24');
  session.write('.ip other\r');
  await session.says('vde0             DOWN');
  session.write('.route\r');
  await session.says('10.0.0.0/24 dev vde0 proto kernel scope link src 10.0.0.2');
  session.write('.ip 5\r');
  await session.says('TypeError: 5 is not a Stack');
  session.write('.route nothing\r');
  await session.says('ReferenceError: nothing is not defined');
  session.write(CTRL_D);
  expect((await session.exit).code).toBe(0);
});

it('lines are remembered, for their user alone', async () => {
  const first = await repl();
  first.write('6 * 7\r');
  await first.says('42');
  first.write(CTRL_D);
  await first.exit;
  const file = join(state.path, 'ioth/repl_history');
  expect(readFileSync(file, 'utf8')).toContain('6 * 7');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const second = await repl();
  second.write(UP);
  await second.says('6 * 7');
  second.write('0\r');
  await second.says('420');
  second.write(CTRL_D);
  expect((await second.exit).code).toBe(0);
});

it('Ctrl-C ends a wait, blocking or not, and the session goes on', async () => {
  const session = await repl(config());
  session.write("const socket = stack.socket(AF_INET, SOCK_DGRAM); socket.bind(['', 5000]); 'bound'\r");
  await session.says("'bound'", 2);
  session.write("process.stdout.write('it' + ' waits'); socket.sync.recv(10)\r");
  await session.says('it waits');
  // in between the REPL of Node leaves SIGINT its default action
  await untilItPolls(childOf(session.pid));
  session.write(CTRL_C);
  await session.says('interrupted');
  session.write("setTimeout(() => process.stdout.write('it waits' + ' again')); await socket.recv(10)\r");
  await session.says('it waits again');
  session.write(CTRL_C);
  await session.says('Script execution was interrupted');
  session.write('6 * 7\r');
  await session.says('42');
  session.write(CTRL_D);
  expect((await session.exit).code).toBe(0);
});

it('an error is shown, and the session goes on; .help has the commands', async () => {
  const session = await repl();
  session.write("await stack.socket().connect(['10.9.9.9', 1])\r");
  await session.says('ENETUNREACH');
  session.write("await stack.ping('10.9.9.9', { count: 1 })\r");
  await session.says('error: [IothError: ');
  session.write('.help\r');
  await session.says("Shows TCP and UDP sockets of 'stack', or of another");
  session.write('.exit\r');
  expect((await session.exit).code).toBe(0);
});

it('where the terminal goes away nothing is left', async () => {
  const session = await repl(config());
  session.write("process.kill(process.ppid, 'SIGKILL')\r");
  // afterEach sees that the stack has left the switch
  await session.exit;
});

it.each([
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s ends it: exit code %i', async (signal, code) => {
  const session = await repl(config());
  process.kill(childOf(session.pid), signal);
  // afterEach sees that the stack has left the switch
  expect((await session.exit).code).toBe(code);
});

it('from a pipe: what a script types', async () => {
  const outcome = await ioth(['repl', config()], { input: "stack.if_nametoindex('vde0')\nawait 7\n" });
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  expect(outcome.stdout).toMatch(/ioth> 2\nioth> 7\nioth> /);
});

it('lines that cannot be remembered are no reason to stop', async () => {
  writeFileSync(join(state.path, 'ioth'), '');
  const session = await repl();
  await session.says('the history is not saved');
  session.write(CTRL_D);
  expect((await session.exit).code).toBe(0);
});

it('ends with the exit code that a line has set, as node -i does', async () => {
  const { code } = await ioth(['repl'], { input: 'process.exitCode = 3\n.exit\n' });
  expect(code).toBe(3);
});
