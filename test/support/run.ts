import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const ROOT = resolve(__dirname, '../..');
export const TSX = join(ROOT, 'node_modules/.bin/tsx');
/** TypeScript 7: not .bin/tsc, since there are two. */
export const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

export interface Outcome {
  /** The exit code; null where a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Milliseconds until it is killed. */
  limit?: number;
}

/** A command that runs, with what it said so far. */
export class Running {
  readonly done: Promise<Outcome>;
  readonly #child;
  #stdout = '';
  #stderr = '';

  constructor(command: string, args: readonly string[], { cwd = ROOT, env = process.env, limit = 15_000 }: RunOptions) {
    this.#child = spawn(command, args, { cwd, env, stdio: 'pipe' });
    this.#child.stdin.on('error', () => {}); // it may end before it read all
    this.#child.stdout.setEncoding('utf8').on('data', (text) => {
      this.#stdout += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#stderr += text;
    });
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), limit);
    this.done = new Promise<Outcome>((done, fail) => {
      this.#child.on('error', fail);
      this.#child.on('close', (code) => done({ code, stdout: this.#stdout, stderr: this.#stderr }));
    }).finally(() => clearTimeout(killer));
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  end(text = ''): void {
    this.#child.stdin.end(text);
  }

  /** Nobody reads standard output from now on. */
  closeOutput(): void {
    this.#child.stdout.destroy();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until standard output holds `text`, `times` times. */
  says(text: string, limit = 10_000, times = 1): Promise<void> {
    return this.#shows(() => this.#stdout, text, limit, times);
  }

  /** The same of standard error. */
  warns(text: string, limit = 10_000): Promise<void> {
    return this.#shows(() => this.#stderr, text, limit, 1);
  }

  async #shows(output: () => string, text: string, limit: number, times: number): Promise<void> {
    const deadline = performance.now() + limit;
    while (output().split(text).length <= times) {
      if (performance.now() > deadline || this.#child.exitCode !== null) {
        throw new Error(`'${text}' was never said. stdout: ${this.#stdout} stderr: ${this.#stderr}`);
      }
      await delay(20);
    }
  }
}

/** Runs a command to its end, with `input` as its standard input. */
export function run(command: string, args: readonly string[], options: RunOptions & { input?: string } = {}) {
  const running = new Running(command, args, options);
  running.end(options.input);
  return running.done;
}

/** A new directory; `remove` fails the test where a process that was started with its path still runs. */
export function workDirectory(): { dir: string; remove: () => Promise<void> } {
  const dir = mkdtempSync(join(tmpdir(), 'ioth-test-'));
  const remove = async () => {
    // a stack's daemon has its process's command line, and ends a moment after it
    for (let i = 0; i < 100 && processesThatName(dir).length > 0; i++) await delay(20);
    const left = processesThatName(dir);
    rmSync(dir, { recursive: true, force: true });
    expect(left).toEqual([]);
  };
  return { dir, remove };
}

function processesThatName(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(text) ? [`${pid} ${command}`] : [];
      } catch {
        // it ended meanwhile
        return [];
      }
    });
}
