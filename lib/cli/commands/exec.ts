import type { Command, Invocation } from '../command.js';
import { openStack } from '../config.js';
import { Interruption } from '../interruption.js';
import { checkArgumentCount } from '../parse.js';
import { endOf, type ProgramEnd, passOn } from '../program.js';

const USAGE = 'CONFIG PROGRAM [ARGUMENTS]';
/** What shells, env(1) and others say of a program that is not there, or cannot be run. */
const EXIT_NOT_FOUND = 127;
const EXIT_NOT_EXECUTABLE = 126;

/** `ioth exec`. */
export const command: Command = {
  usage: USAGE,
  help: `
Runs any program, curl or bash or dnsmasq, in the network of a stack, which ends with it. Who has no rights is root there, for
what is of the network. Standard input and output are the program's, and so are its exit code and the signal that ends it;
127 is a program that is not there.

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
    // from here on signals are the program's
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
