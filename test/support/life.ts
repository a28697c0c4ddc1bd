import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { ROOT } from './run.js';

const tsx = pathToFileURL(join(ROOT, 'node_modules/tsx/dist/esm/index.mjs')).href;

export interface Ended {
  /** The exit code, or the signal's name. */
  status: number | string;
  /** When standard output closed, in milliseconds since 1970. */
  closedAt: number;
}

export interface LifeOptions {
  /** Flags for Node: ['--expose-gc']. */
  flags?: string[];
  env?: NodeJS.ProcessEnv;
  /** A shell command in front of the process: 'ulimit -c 0'. */
  shell?: string;
  /** Milliseconds until it is killed. Default 20,000. */
  limit?: number;
}

/**
 * Tries a measurement up to three times: on a busy machine one try may be slow for reasons of others.
 * @returns the best figure
 */
export async function bestOfThree(limit: number, measure: () => Promise<number>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3 && best >= limit; i++) best = Math.min(best, await measure());
  return best;
}

/** A script of test/support/children in a process group of its own, so that its stacks' daemons are found when it is gone. */
export class Life {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #killer: NodeJS.Timeout;
  stdout = '';
  stderr = '';

  constructor(script: string, args: readonly (string | number)[] = [], options: LifeOptions = {}) {
    const { flags = [], env = {}, shell, limit = 20_000 } = options;
    const command = [process.execPath, ...flags, '--import', tsx, join(__dirname, 'children', script), ...args];
    const words = command.map(String);
    const [first, ...rest] = shell ? ['sh', '-c', `${shell}; exec "$@"`, 'sh', ...words] : words;
    const env_ = { ...process.env, ...env };
    this.#child = spawn(first as string, rest, { detached: true, env: env_, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (text) => {
      this.stdout += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    this.#killer = setTimeout(() => this.signal('SIGKILL'), limit);
    this.ended = new Promise<Ended>((resolve, reject) => {
      let closedAt = 0;
      this.#child.on('error', reject);
      this.#child.stdout?.on('close', () => {
        closedAt = Date.now();
      });
      this.#child.on('close', (code, signal) => {
        clearTimeout(this.#killer);
        resolve({ status: signal ?? code ?? -1, closedAt });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** What stands behind `word` in its output, once it said it. */
  async says(word: string, limit = 15_000): Promise<string> {
    const deadline = Date.now() + limit;
    const line = new RegExp(`^${word} ?(.*)\n`, 'm');
    for (;;) {
      const found = line.exec(this.stdout);
      if (found) return found[1] ?? '';
      if (Date.now() > deadline || this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`'${word}' was never said. stdout: ${this.stdout} stderr: ${this.stderr}`);
      }
      await delay(5);
    }
  }

  /** As `kill` does: the process alone. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** As Ctrl-C does: the process and its daemons. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** The processes of its group, without those that tsx made; zombies too unless `zombies` is false. */
  group(zombies = true): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => this.#isOfGroup(pid, zombies));
  }

  /** Waits until no process of the group is left, until `deadline` (milliseconds since 1970) at most; when the last was gone. */
  async gone(deadline: number, zombies = true): Promise<{ left: number[]; goneAt: number }> {
    for (;;) {
      const left = this.group(zombies);
      if (left.length === 0 || Date.now() > deadline) return { left, goneAt: Date.now() };
      await delay(5);
    }
  }

  #isOfGroup(pid: number, zombies: boolean): boolean {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [, name, rest = ''] = /\((.*)\) (.*)/.exec(stat) ?? [];
      const [state, , group] = rest.split(' ');
      return name !== 'esbuild' && Number(group) === this.pid && (zombies || state !== 'Z');
    } catch {
      // it ended meanwhile
      return false;
    }
  }
}
