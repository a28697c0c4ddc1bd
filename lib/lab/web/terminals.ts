import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';
import { childrenOf, descriptorOf, readProcFile } from '../../process/proc-file.js';
import type { LabHost } from '../host.js';

/** How many terminals a page may have. */
const MAX_TERMINALS = 8;
const MAX_SIZE = 1000;

/** The window size of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** The terminals of a page: shells in hosts, each with a terminal of its own that script(1) makes. */
export class Terminals {
  readonly #open = new Map<number, ChildProcess>();
  #last = 0;

  /** @param output gets what a terminal prints, and undefined when its shell has ended */
  constructor(readonly output: (terminal: number, text: string | undefined) => void) {}

  /** Opens a terminal in a host. @returns its number @throws {RangeError} for too many */
  open(host: LabHost, size: TerminalSize): number {
    if (this.#open.size >= MAX_TERMINALS) throw new RangeError(`a page has at most ${MAX_TERMINALS} terminals`);
    const shell = process.env.SHELL || '/bin/sh';
    const env = { ...process.env, TERM: 'xterm-256color', SHELL: '/bin/sh', IOTH_SHELL: shell };
    // sizes are numbers; the name of the shell is in the environment, where nothing reads it as words
    const line = `stty cols ${inBounds(size.columns)} rows ${inBounds(size.rows)}; exec "$IOTH_SHELL"`;
    const child = host.spawn('script', ['-qefc', line, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    const number = ++this.#last;
    this.#open.set(number, child);
    const decoder = new StringDecoder();
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (data: Buffer) => this.output(number, decoder.write(data)));
    }
    child.stdin!.on('error', () => {});
    const end = () => {
      if (this.#open.delete(number)) this.output(number, undefined);
    };
    child.on('error', (error) => {
      this.output(number, `${error.message}\r\n`);
      end();
    });
    child.on('close', end);
    return number;
  }

  /** Types into a terminal. */
  type(terminal: number, text: string): void {
    this.#open.get(terminal)?.stdin?.write(text);
  }

  /** Tells a terminal how large its window is now. */
  resize(terminal: number, { columns, rows }: TerminalSize): void {
    const device = deviceOf(this.#open.get(terminal)?.pid);
    if (!device) return;
    const args = ['-F', device, 'cols', `${inBounds(columns)}`, 'rows', `${inBounds(rows)}`];
    spawn('stty', args, { stdio: 'ignore' }).on('error', () => {});
  }

  /** Ends a terminal as if its window was closed. */
  close(terminal: number): void {
    // the kernel hangs up a terminal whose descriptors are closed; a shell ignores SIGTERM, and script(1) waits for it
    this.#open.get(terminal)?.kill('SIGKILL');
  }

  closeAll(): void {
    for (const terminal of this.#open.keys()) this.close(terminal);
  }
}

function inBounds(size: number): number {
  return Math.min(Math.max(Math.trunc(size) || 1, 1), MAX_SIZE);
}

/** Returns the terminal of the shell that script(1) has started: '/dev/pts/3'. */
function deviceOf(pid: number | undefined): string | undefined {
  const waiting = pid === undefined ? [] : [pid];
  for (const each of waiting) {
    waiting.push(...childrenOf(`${each}/task/${each}`));
    if (each === pid) continue;
    const target = descriptorOf(each, 0);
    if (target.startsWith('/dev/pts/') && readProcFile(each, 'comm') !== '') return target;
  }
  return undefined;
}
