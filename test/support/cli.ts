import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, ROOT, Running, type RunOptions, run, TSC } from './run.js';

/** The command as JavaScript, as it is published: built for this worker of jest. */
const BUILT = join(ROOT, `node_modules/.cache/ioth-cli-test-${process.env.JEST_WORKER_ID}`);
const MAIN = join(BUILT, 'dist/lib/cli/main.js');

/** Call it before all. */
export async function buildCli(): Promise<void> {
  const built = await run(TSC, ['-p', 'tsconfig.json', '--outDir', join(BUILT, 'dist')], { limit: 60_000 });
  expect(built).toMatchObject({ code: 0 });
  copyFileSync(join(ROOT, 'package.json'), join(BUILT, 'package.json'));
}

/** Whoever runs the tests may have set them. */
function environment(env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { IOTH: _1, IOTH_CHILD: _2, IOTH_CONF: _3, IOTH_DNS: _4, FORCE_COLOR: _5, ...own } = process.env;
  return { ...own, ...env };
}

/** Starts `ioth` with these arguments. */
export function startIoth(args: readonly string[], options: RunOptions = {}): Running {
  return new Running(process.execPath, [MAIN, ...args], { ...options, env: environment(options.env) });
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
  return run(command, [...rest, process.execPath, MAIN, ...args], { env: environment(env), limit: 30_000 });
}

/** Starts `ioth` at a terminal of its own: what is written is typed, and standard output is what it shows. */
export function iothAtTerminal(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const words = [process.execPath, MAIN, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  // script(1) starts $SHELL, which may be unset; exec, so that it has the exit code and signals of node itself
  const command = `stty cols 120 rows 40; exec ${words.join(' ')}`;
  return new Running('script', ['-qec', command, '/dev/null'], {
    env: environment({ SHELL: '/bin/sh', TERM: 'xterm', ...env }),
    limit: 30_000,
  });
}
