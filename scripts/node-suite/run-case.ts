import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type Case, flagsOf } from './cases.js';

/** Options of starting Node. */
export interface Mode {
  node: string;
  /** Flags before the test's own. */
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** The directory of Node's source, in which the tests expect to be started. */
  cwd: string;
  /** The directory of the test's temporary files. */
  temporary: string;
}

export interface Outcome {
  result: 'passed' | 'skipped' | 'failed' | 'timed out';
  /** The number of packets on the loopback that the test sees as the host's: 0 if everything is on a stack. */
  hostPackets: number;
  /** Both streams. */
  output: string;
}

const CASE_LIMIT_MS = 60_000;
/** Runs a command in its own network namespace, and counts its packets at the end. */
const SCRIPT = 'ip link set lo up && "$@" 3>&-; code=$?; grep lo: /proc/net/dev >&3; exit $code';

const running = new Set<ChildProcess>();

/** Ends the running tests at once: the end of a namespace's first process ends all its processes. */
export function killCases(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** Runs a test in its own namespaces: it uses no port of the machine, and no process stays. */
export async function runCase(test: Case, mode: Mode): Promise<Outcome> {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const namespaces = [...user, '--net', '--pid', '--mount-proc', '--fork', '--kill-child'];
  const node = [mode.node, ...mode.args, ...flagsOf(test), test.path];
  const child = spawn('unshare', [...namespaces, 'sh', '-c', SCRIPT, 'sh', ...node], {
    cwd: mode.cwd,
    env: { ...process.env, NODE_TEST_DIR: mode.temporary, ...mode.env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, CASE_LIMIT_MS);
  try {
    const streams = child.stdio.slice(1).map((stream) => text(stream as Readable));
    const [[code], stdout = '', stderr = '', counts = ''] = await Promise.all([once(child, 'close'), ...streams]);
    return {
      result: isLate ? 'timed out' : code !== 0 ? 'failed' : /^1\.\.0 # Skipped/m.test(stdout) ? 'skipped' : 'passed',
      hostPackets: Number(/lo:\s*\d+\s+(\d+)/.exec(counts)?.[1] ?? 0),
      output: stdout + stderr,
    };
  } finally {
    clearTimeout(timer);
    running.delete(child);
  }
}
