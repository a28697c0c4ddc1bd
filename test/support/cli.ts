import { join } from 'node:path';
import { type Child, type ChildOptions, type Exit, type RunOptions, run, start } from './child.js';
import { builtPackage } from './package.js';

let main: string;

/** Call it before all: the command as it is published. */
export async function buildCli(): Promise<void> {
  const { directory } = await builtPackage();
  main = join(directory, 'dist/lib/cli/main.js');
}

/** The user's own settings are not the test's; in CI Node takes a terminal for one without colours. */
const UNSET = ['IOTH', 'IOTH_CHILD', 'IOTH_CONF', 'IOTH_DNS', 'FORCE_COLOR', 'CI'];

function environment(env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...Object.fromEntries(UNSET.map((name) => [name, undefined])), ...env };
}

/** Starts `ioth` with these arguments. */
export function startIoth(args: readonly string[], options: ChildOptions = {}): Child {
  return start(process.execPath, [main, ...args], { ...options, env: environment(options.env) });
}

/** Runs `ioth` to its end. */
export function ioth(args: readonly string[], options: RunOptions = {}): Promise<Exit> {
  return startIoth(args, options).end(options.input).exit;
}

/** Runs `ioth` under a command that ends in what it is to run: ['unshare', '-m', …]. */
export function iothUnder(prefix: readonly string[], args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Exit> {
  return run(process.execPath, [main, ...args], { prefix, env: environment(env) });
}

/** Starts `ioth` at a terminal of its own: what is written is typed, and standard output is what it shows. */
export function iothAtTerminal(args: readonly string[], env?: NodeJS.ProcessEnv): Child {
  // exec, so that script(1) has the exit code and signals of node itself
  return startTerminal(`exec ${shellLine(args)}`, env);
}

/**
 * As `iothAtTerminal`, as the job of a shell that writes the exit code to `file`.
 * @param onHangup what the shell does at SIGHUP: passes it on
 */
export function iothAsJob(
  args: readonly string[],
  file: string,
  env?: NodeJS.ProcessEnv,
  onHangup = 'kill -HUP $!',
): Child {
  // in the background standard input would be /dev/null
  const job = `exec 3<&0; ${shellLine(args)} <&3 & trap "${onHangup}" HUP`;
  return startTerminal(`${job}; wait $!; wait $!; echo $? >'${file}'`, env);
}

function startTerminal(command: string, env: NodeJS.ProcessEnv = {}): Child {
  // script(1) starts $SHELL, which may be unset
  return start('script', ['-qec', `stty cols 120 rows 40; ${command}`, '/dev/null'], {
    env: environment({ SHELL: '/bin/sh', TERM: 'xterm', ...env }),
  });
}

/** Starts `ioth`, and a command of the shell that reads its standard output. */
export function iothInto(args: readonly string[], command: string, options: ChildOptions = {}): Child {
  const line = `${shellLine(args)} | ${command}`;
  return start('sh', ['-c', line], { ...options, leads: true, env: environment(options.env) });
}

/** `ioth` and its arguments for a shell. */
function shellLine(args: readonly string[]): string {
  return [process.execPath, main, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}
