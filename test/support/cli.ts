import { join } from 'node:path';
import { builtPackage } from './package.js';
import { type Outcome, Running, type RunOptions, run } from './run.js';

let main: string;

/** Call it before all: the command as it is published. */
export async function buildCli(): Promise<void> {
  const { directory } = await builtPackage();
  main = join(directory, 'dist/lib/cli/main.js');
}

/** Whoever runs the tests may have set them; in CI Node takes a terminal for one without colours. */
function environment(env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { IOTH: _1, IOTH_CHILD: _2, IOTH_CONF: _3, IOTH_DNS: _4, FORCE_COLOR: _5, CI: _6, ...own } = process.env;
  return { ...own, ...env };
}

/** Starts `ioth` with these arguments. */
export function startIoth(args: readonly string[], options: RunOptions = {}): Running {
  return new Running(process.execPath, [main, ...args], { ...options, env: environment(options.env) });
}

/** Runs `ioth` to its end, with `input` as its standard input. */
export function ioth(args: readonly string[], options: RunOptions & { input?: string } = {}): Promise<Outcome> {
  const running = startIoth(args, options);
  running.end(options.input);
  return running.done;
}

/** Runs `ioth` under a command that ends in what it is to run: ['unshare', '-m', …]. */
export function iothUnder(prefix: readonly string[], args: readonly string[], env?: NodeJS.ProcessEnv) {
  const [command = '', ...rest] = prefix;
  return run(command, [...rest, process.execPath, main, ...args], { env: environment(env), limit: 30_000 });
}

/** Starts `ioth` at a terminal of its own: what is written is typed, and standard output is what it shows. */
export function iothAtTerminal(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const words = [process.execPath, main, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  // script(1) starts $SHELL, which may be unset; exec, so that it has the exit code and signals of node itself
  const command = `stty cols 120 rows 40; exec ${words.join(' ')}`;
  return new Running('script', ['-qec', command, '/dev/null'], {
    env: environment({ SHELL: '/bin/sh', TERM: 'xterm', ...env }),
    limit: 30_000,
  });
}
