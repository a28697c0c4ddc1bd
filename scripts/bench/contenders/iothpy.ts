import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Turn, withinDeadline } from '../measure.js';

const END = fileURLToPath(new URL('../../scripts/bench/contenders/iothpy-end.py', import.meta.url));
const [CLIENT, SERVER] = ['10.0.0.3', '10.0.0.4'] as const;

/** Two Python processes with iothpy, a vdestack each, on a switch of ours. */
export interface Iothpy {
  turn(work: string, count: number): Turn;
  stop(): Promise<void>;
}

/** Starts them. Returns undefined if Python does not find iothpy. */
export async function startIothpy(vnl: string): Promise<Iothpy | undefined> {
  if (spawnSync('python3', ['-c', 'import iothpy'], { stdio: 'ignore' }).status !== 0) {
    console.log("without iothpy: python3 -c 'import iothpy' fails\n");
    return undefined;
  }
  const client = new PythonEnd(vnl, CLIENT);
  const server = new PythonEnd(vnl, SERVER);
  const stop = async () => {
    await Promise.all([client.stop(), server.stop()]);
  };
  try {
    await Promise.all([client.answer(), server.answer()]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    stop,
    turn: (work, count) => async () => {
      server.ask({ work, count });
      const port = await server.answer();
      client.ask({ work, count, peer: SERVER, port });
      const elapsed = await client.answer();
      await server.answer();
      return elapsed;
    },
  };
}

class PythonEnd {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(vnl: string, address: string) {
    this.#child = spawn('python3', [END, vnl, address], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  ask(request: object): void {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
  }

  async answer(): Promise<number> {
    const { value, done } = await withinDeadline(this.#lines.next());
    if (done) throw new Error('the Python process ended');
    return Number(value);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin!.end();
    await withinDeadline(ended).catch(() => this.#child.kill('SIGKILL'));
  }
}
