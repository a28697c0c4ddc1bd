import type { Command, Invocation } from '../command.js';
import { openStack } from '../config.js';
import { Interruption } from '../interruption.js';
import { checkArgumentCount } from '../parse.js';
import { endOf, type ProgramEnd, passOn } from '../program.js';

const USAGE = 'CONFIG PROGRAM [ARGUMENTS]';
/** The exit codes that shells, env(1) and others use for a missing program, and for one that cannot be run. */
const EXIT_NOT_FOUND = 127;
const EXIT_NOT_EXECUTABLE = 126;

/** `ioth exec`. */
export const command: Command = {
  usage: USAGE,
  help: `
Runs any program, such as curl, bash or dnsmasq, in the network of a stack. The stack ends with the program. If you are not
root, the program still is root of that network. Standard input and output are the program's. So are the exit code and the
signal that ends it. Exit code 127 if the program does not exist.

  ioth exec vde:///tmp/sw,eth,ip=10.0.0.2/24 curl http://10.0.0.1/`,
  options: {},
  ownArguments: 1,
  handlesSignals: true,
  async run({ args }: Invocation) {
    checkArgumentCount(args, 2, Number.POSITIVE_INFINITY, USAGE);
    const [config = '', program = '', ...programArgs] = args;
    const interruption = new Interruption();
    try {
      return await execute(config, program, programArgs, interruption);
    } catch (error) {
      if (interruption.exitCode === undefined) throw error;
      return interruption.exitCode;
    } finally {
      interruption.stop();
    }
  },
};

async function execute(
  config: string,
  program: string,
  args: readonly string[],
  interruption: Interruption,
): Promise<number> {
  const stack = await openStack(config, { signal: interruption.signal, loopback: true });
  let end: ProgramEnd;
  try {
    // from here on the program handles signals
    interruption.stop();
    end = await endOf(stack.spawn(program, args, { stdio: 'inherit' }));
  } catch (error) {
    end = { code: codeOfFailure(error), signal: null };
  } finally {
    await stack.close();
  }
  return passOn(end);
}

function codeOfFailure(error: unknown): number {
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  if (!syscall?.startsWith('spawn ') || (code !== 'ENOENT' && code !== 'EACCES')) throw error;
  process.stderr.write(`ioth exec: ${message}\n`);
  return code === 'ENOENT' ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}
