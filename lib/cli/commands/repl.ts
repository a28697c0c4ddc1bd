import { once } from 'node:events';
import { type REPLServer, start } from 'node:repl';
import { inspect } from 'node:util';
import { printableLines } from '../../core/printable.js';
import * as ioth from '../../index.js';
import { openStacks } from '../../stack/open-stacks.js';
import { type Command, EXIT_OK, exitCodeOf, type Invocation } from '../command.js';
import { openStack } from '../config.js';
import { setUpHistory } from '../history.js';
import { installedIn, packageVersion } from '../package.js';
import { defineDotCommands } from '../repl/dot-commands.js';
import { print, printError, styled } from '../terminal.js';

/** The default of CONFIG: a stack without a network. */
const DEFAULT_CONFIG = 'vdestack';
const END_SIGNALS = ['SIGTERM', 'SIGHUP'] as const;

/** `ioth repl`. */
export const command: Command = {
  usage: '[CONFIG]',
  argumentCount: [0, 1],
  help: `
Starts Node's REPL with a stack, 'stack', and with all exports of ioth as globals: Stack, AF_INET, … 'await' works, Tab
completes. The history is kept in IOTH_REPL_HISTORY, by default ioth/repl_history in XDG_STATE_HOME or ~/.local/state.
Ctrl-D closes every stack. Without CONFIG the stack has no network. STACK is an expression, by default 'stack'.

  .stacks           lists the open stacks
  .ip [STACK]       shows interfaces and addresses
  .route [STACK]    shows routes
  .sockets [STACK]  shows TCP and UDP sockets

  ioth repl vde:///tmp/sw,eth,ip=10.0.0.2/24`,
  options: {},
  async run({ args, signal, leaveSignals }: Invocation) {
    const stack = await openStack(args[0] ?? DEFAULT_CONFIG, { signal, loopback: true });
    // from here on the REPL handles Ctrl-C
    leaveSignals();
    stack.on('error', (error) => printError(`\nstack: ${printableLines(error.message)}`));
    return converse(stack);
  },
};

/** Runs the REPL until it is left, or a signal. @returns the exit code */
async function converse(stack: ioth.Stack): Promise<number> {
  if (process.stdin.isTTY) print(`ioth ${packageVersion()} on Node.js ${process.version}; .help lists the commands`);
  print(`stack = ${inspect(stack)}`);
  const server = start({ prompt: styled('cyan', 'ioth> '), useGlobal: true, breakEvalOnSigint: true });
  defineGlobals(server, { ...ioth, ioth, stack });
  defineDotCommands(server, stack);
  const exited = once(server, 'exit');
  let exitCode: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    exitCode = exitCodeOf(signal);
    server.close();
  };
  for (const signal of END_SIGNALS) process.on(signal, onSignal);
  try {
    if (server.terminal) await setUpHistory(server);
    await exited;
  } finally {
    for (const signal of END_SIGNALS) process.off(signal, onSignal);
    await Promise.allSettled(openStacks<ioth.Stack>().map((each) => each.close()));
  }
  // as node -i, whose lines may set it
  return exitCode ?? Number(process.exitCode ?? EXIT_OK);
}

/** Defines globals as Node's REPL defines its modules: a declaration can replace them. */
function defineGlobals(server: REPLServer, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(server.context, name, { value, configurable: true, enumerable: true, writable: true });
  }
  // require('ioth') finds this package if the working directory has none
  const directory = installedIn();
  if (directory !== undefined) (server.context.module as NodeJS.Module).paths.push(directory);
}
