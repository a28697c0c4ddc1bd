import type { Command, Invocation } from '../command.js';
import { openStack } from '../config.js';
import { endOf, type ProgramEnd, passOn } from '../program.js';

/** The exit codes that shells, env(1) and others use for a missing program, and for one that cannot be run. */
const EXIT_NOT_FOUND = 127;
const EXIT_NOT_EXECUTABLE = 126;

/** `ioth exec`. */
export const command: Command = {
  usage: 'CONFIG PROGRAM [ARGUMENTS]',
  argumentCount: [2, Number.POSITIVE_INFINITY],
  help: `
Runs any program, such as curl, bash or dnsmasq, in the network of a stack. The stack ends with the program. If you are not
root, the program still is root of that network. Standard input and output are the program's. So are the exit code and the
signal that ends it. Exit code 127 if the program does not exist.

  ioth exec vde:///tmp/sw,eth,ip=10.0.0.2/24 curl http://10.0.0.1/`,
  options: {},
  runsProgram: true,
  async run(invocation: Invocation) {
    return passOn(await execute(invocation));
  },
};

/** Runs the program. The stack is closed when it returns. */
async function execute({ args, signal, leaveSignals }: Invocation): Promise<ProgramEnd> {
  const [config = '', program = '', ...programArgs] = args;
  await using stack = await openStack(config, { signal, loopback: true });
  // from here on the program handles signals
  leaveSignals();
  try {
    return await endOf(stack.spawn(program, programArgs, { stdio: 'inherit' }));
  } catch (error) {
    return [codeOfFailure(error), null];
  }
}

function codeOfFailure(error: unknown): number {
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  if (!syscall?.startsWith('spawn ') || (code !== 'ENOENT' && code !== 'EACCES')) throw error;
  process.stderr.write(`ioth exec: ${message}\n`);
  return code === 'ENOENT' ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}
