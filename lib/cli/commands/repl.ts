import { once } from 'node:events';
import { type REPLServer, start } from 'node:repl';
import { inspect } from 'node:util';
import { printableLines } from '../../core/printable.js';
import * as ioth from '../../index.js';
import { openStacks } from '../../stack/open-stacks.js';
import type { Command, Invocation } from '../command.js';
import { openStack } from '../config.js';
import { Interruption } from '../interruption.js';
import { installedIn, packageVersion } from '../package.js';
import { checkArgumentCount } from '../parse.js';
import { defineDotCommands } from '../repl/dot-commands.js';
import { setUpHistory } from '../repl/history.js';
import { print, printError, styled } from '../terminal.js';

const USAGE = '[CONFIG]';
/** A stack without a network, where there is no CONFIG. */
const DEFAULT_CONFIG = 'vdestack';

/** `ioth repl`. */
export const command: Command = {
  usage: USAGE,
  help: `
Node's REPL with a stack, 'stack', and all that ioth exports as globals: Stack, AF_INET, … 'await' works, Tab completes,
and lines are remembered in IOTH_REPL_HISTORY, by default ioth/repl_history in XDG_STATE_HOME or ~/.local/state. Ctrl-D
closes every stack. Without CONFIG the stack has no network.

  .stacks         the stacks that are open
  .ip [STACK]     interfaces and addresses of a stack: of 'stack', or of the expression behind
  .route [STACK]  its routes
  .sockets [STACK] its TCP and UDP sockets

  ioth repl vde:///tmp/sw,eth,ip=10.0.0.2/24`,
  options: {},
  handlesSignals: true,
  async run({ args }: Invocation) {
    checkArgumentCount(args, 0, 1, USAGE);
    const interruption = new Interruption();
    try {
      const stack = await openStack(args[0] ?? DEFAULT_CONFIG, { signal: interruption.signal, loopback: true });
      // Ctrl-C is the REPL's from here on
      interruption.stop();
      stack.on('error', (error) => printError(`\nstack: ${printableLines(error.message)}`));
      await converse(stack);
    } catch (error) {
      if (interruption.exitCode === undefined) throw error;
    } finally {
      interruption.stop();
    }
    return interruption.exitCode;
  },
};

async function converse(stack: ioth.Stack): Promise<void> {
  if (process.stdin.isTTY) print(`ioth ${packageVersion()} on Node.js ${process.version}; .help has the commands`);
  print(`stack = ${inspect(stack)}`);
  const server = start({ prompt: styled('cyan', 'ioth> '), useGlobal: true, breakEvalOnSigint: true });
  defineGlobals(server, { ...ioth, ioth, stack });
  defineDotCommands(server, stack);
  const exited = once(server, 'exit');
  const end = () => server.close();
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  try {
    if (server.terminal) await setUpHistory(server);
    await exited;
  } finally {
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, end);
    await Promise.allSettled(openStacks<ioth.Stack>().map((each) => each.close()));
  }
}

/** As Node's REPL has its modules: there to be used, and to be replaced by a declaration. */
function defineGlobals(server: REPLServer, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(server.context, name, { value, configurable: true, enumerable: true, writable: true });
  }
  // require('ioth') finds it where the working directory has no ioth of its own
  const directory = installedIn();
  if (directory !== undefined) (server.context.module as NodeJS.Module).paths.push(directory);
}
