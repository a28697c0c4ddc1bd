import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileSources, compileText } from './compile.js';
import { compiled, ROOT } from './compiled.js';
import { whereabouts } from './processes.js';
import { reporters } from './reports.js';
import { becomes, PATIENCE_MS } from './until.js';

/** How long a whole program may take: work of 20 s on a quiet machine, where many others work. It is less than a test may take. */
const CHILD_LIMIT_MS = 280_000;

export interface Exit {
  /** The exit code, or the signal that ended it. */
  code: number | NodeJS.Signals;
  stdout: string;
  stderr: string;
}

export interface ChildOptions {
  cwd?: string;
  /** What differs from this process's environment; undefined removes a variable. */
  env?: NodeJS.ProcessEnv;
  /** Flags for Node: ['--expose-gc']. */
  flags?: readonly string[];
  /** A command in front: ['unshare', '-m']. */
  prefix?: readonly string[];
  /** Milliseconds until it is killed, and its exit rejects: default CHILD_LIMIT_MS. */
  limit?: number;
  /** Whether it leads a process group, as a shell's job does: {@link Child.group}. Scripts do. */
  leads?: boolean;
}

const started: Child[] = [];
reporters.add({
  forget: () => started.splice(0),
  report: () => started.map((child) => `--- ${child}`),
});

/** A process that a test started, with what it said so far. */
export class Child {
  readonly name: string;
  /** Fulfilled when it ended and its output is closed; rejected where it had to be killed, with all that it said. */
  readonly exit: Promise<Exit>;
  /** Fulfilled when the process itself ended: its daemons may still have its output open. */
  readonly gone: Promise<void>;
  stdout = '';
  stderr = '';
  /** Both, as they came. */
  output = '';
  readonly #process: ChildProcess;
  readonly #limit: number;
  readonly #listeners = new Set<() => void>();
  #hasEnded = false;

  constructor(command: string, args: readonly (string | number)[], options: ChildOptions = {}) {
    const { cwd = ROOT, env, prefix = [], limit = CHILD_LIMIT_MS, leads = false } = options;
    this.#limit = Math.max(limit, PATIENCE_MS);
    const [first = '', ...rest] = [...prefix, command, ...args.map(String)];
    this.name = [first, ...rest].map((word) => (word.length > 60 ? `…${word.slice(-60)}` : word)).join(' ');
    this.#process = spawn(first, rest, { cwd, env: { ...process.env, ...env }, detached: leads, stdio: 'pipe' });
    this.#process.stdin?.on('error', () => {}); // it may end before it read all
    for (const stream of ['stdout', 'stderr'] as const) {
      this.#process[stream]?.setEncoding('utf8').on('data', (text) => {
        this[stream] += text;
        this.output += text;
        this.#hear();
      });
    }
    this.gone = new Promise((resolve) => {
      this.#process.once('exit', () => resolve());
      this.#process.once('error', () => resolve());
    });
    this.exit = this.#untilExit(limit, leads);
    this.exit.catch(() => {}); // a test may have failed before it waits for this
    started.push(this);
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** What stands behind `word` in its standard output, once a line begins with it. */
  async line(word: string): Promise<string> {
    const line = new RegExp(`^${word}(?: (.*))?\n`, 'm');
    await this.#until(`a line '${word} …'`, () => line.test(this.stdout));
    return line.exec(this.stdout)?.[1] ?? '';
  }

  /** Waits until its standard output holds `text`, `times` times. */
  async says(text: string, times = 1): Promise<void> {
    await this.#until(`'${text}'`, () => this.stdout.split(text).length > times);
  }

  /** Waits until its standard error holds `text`. */
  async warns(text: string): Promise<void> {
    await this.#until(`'${text}' on stderr`, () => this.stderr.includes(text));
  }

  /** Waits until its output, of both kinds, matches. */
  async logs(pattern: RegExp): Promise<void> {
    await this.#until(String(pattern), () => pattern.test(this.output));
  }

  write(text: string): void {
    this.#process.stdin?.write(text);
  }

  /** Writes `text`, and ends its standard input. */
  end(text = ''): this {
    this.#process.stdin?.end(text);
    return this;
  }

  /** Closes the reading end of its standard output. */
  closeOutput(): void {
    this.#process.stdout?.destroy();
  }

  /** Signals the process alone, as kill(1) does. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#process.kill(signal);
  }

  /** Signals it and its daemons, as Ctrl-C does. */
  killGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** Kills it and waits for its end: for hooks, where it may have ended before. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.kill(signal);
    await this.exit.catch(() => {});
  }

  /** The processes of its group, its daemons among them; zombies too, unless they do not count. */
  group({ zombies = true } = {}): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => this.#hasInGroup(pid, zombies));
  }

  /** Waits until no process of its group is left. @returns those that stay */
  async groupGone({ zombies = true } = {}): Promise<number[]> {
    await becomes(() => this.group({ zombies }).length === 0);
    return this.group({ zombies });
  }

  /** What it is and said, for messages. */
  toString(): string {
    return `${this.name} (${this.#hasEnded ? 'ended' : 'running'})\nstdout: ${this.stdout}\nstderr: ${this.stderr}`;
  }

  async #untilExit(limit: number, leads: boolean): Promise<Exit> {
    let waited: string[] | undefined;
    const killer = setTimeout(() => {
      const { exitCode, signalCode } = this.#process;
      const end = exitCode ?? signalCode;
      waited = end === null ? whereabouts(this.pid) : [`the process ended (${end}), but others have its output open`];
      if (leads) this.killGroup('SIGKILL');
      else this.kill('SIGKILL');
    }, limit);
    try {
      const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
        this.#process.on('error', reject);
        this.#process.on('close', (...end) => resolve(end));
      });
      if (waited) throw new Error([`it did not end within ${limit / 1000} s: ${this}`, ...waited].join('\n'));
      return { code: signal ?? code ?? -1, stdout: this.stdout, stderr: this.stderr };
    } finally {
      clearTimeout(killer);
      this.#hasEnded = true;
      this.#hear();
    }
  }

  async #until(what: string, isThere: () => boolean): Promise<void> {
    if (isThere()) return;
    let listener = () => {};
    let timer: NodeJS.Timeout | undefined;
    const failure = await new Promise<string | undefined>((resolve) => {
      listener = () => {
        if (isThere()) resolve(undefined);
        else if (this.#hasEnded) resolve('it ended and never said');
      };
      this.#listeners.add(listener);
      timer = setTimeout(() => resolve(`within ${this.#limit / 1000} s it did not say`), this.#limit);
      listener();
    });
    clearTimeout(timer);
    this.#listeners.delete(listener);
    if (failure) throw new Error(`${failure} ${what}: ${this}`);
  }

  #hear(): void {
    for (const listener of this.#listeners) listener();
  }

  #hasInGroup(pid: number, zombies: boolean): boolean {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [, rest = ''] = /\(.*\) (.*)/s.exec(stat) ?? [];
      const [state, , group] = rest.split(' ');
      return Number(group) === this.pid && (zombies || state !== 'Z');
    } catch {
      return false; // it has just ended
    }
  }
}

/** Starts a program. */
export function start(command: string, args: readonly (string | number)[] = [], options?: ChildOptions): Child {
  return new Child(command, args, options);
}

/** Starts Node with a source of the checkout, compiled: 'examples/demo.ts'. */
export function startSource(source: string, args: readonly (string | number)[] = [], options: ChildOptions = {}) {
  compileSources();
  return start(process.execPath, [...(options.flags ?? []), compiled(source), ...args], options);
}

/** Starts a script of test/support/children, which leads a process group: 'way-out.ts'. */
export function startScript(script: string, args: readonly (string | number)[] = [], options: ChildOptions = {}) {
  return startSource(join('test/support/children', script), args, { leads: true, ...options });
}

/** Starts TypeScript with everything of lib/index.ts as `ioth`. `dir` gets the script, and is where it runs. */
export function startText(dir: string, text: string, options: ChildOptions = {}): Child {
  compileSources();
  const script = join(dir, 'child.mjs');
  // another child may be about to read it
  writeFileSync(`${script}.new`, compileText(`import * as ioth from 'ioth';\n${text}`, 'child.mts'));
  renameSync(`${script}.new`, script);
  return start(process.execPath, [...(options.flags ?? []), script], { cwd: dir, leads: true, ...options });
}

/** A shell command in front of a child: 'ulimit -c 0'. */
export function shell(command: string): readonly string[] {
  return ['sh', '-c', `${command}; exec "$@"`, 'sh'];
}

export type RunOptions = ChildOptions & { /** Its standard input. */ input?: string };

/** Runs a program to its end. */
export function run(command: string, args: readonly (string | number)[] = [], options: RunOptions = {}): Promise<Exit> {
  return start(command, args, options).end(options.input).exit;
}

/** Runs a source of the checkout to its end: {@link startSource}. */
export function runSource(source: string, args: readonly (string | number)[] = [], options: RunOptions = {}) {
  return startSource(source, args, options).end(options.input).exit;
}

/** Runs a script of test/support/children to its end: {@link startScript}. */
export function runScript(script: string, args: readonly (string | number)[] = [], options: RunOptions = {}) {
  return startScript(script, args, options).end(options.input).exit;
}

/** Runs TypeScript to its end: {@link startText}. */
export function runText(dir: string, text: string, options: RunOptions = {}): Promise<Exit> {
  return startText(dir, text, options).end(options.input).exit;
}
