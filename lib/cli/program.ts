import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;

/** How a program ended. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Waits for a program that has our terminal, and hands on the signals that come. */
export async function endOf(child: ChildProcess): Promise<ProgramEnd> {
  const forward = (signal: NodeJS.Signals) => {
    // Ctrl-C and Ctrl-\ of a terminal reach both
    const isFromTerminal = process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT');
    if (!isFromTerminal) child.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return { code, signal };
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward);
  }
}

/** The exit code of the program, for one's own; where a signal ended it, that ends this process too. */
export async function passOn({ code, signal }: ProgramEnd): Promise<number> {
  if (signal === null) return code ?? 0;
  process.kill(process.pid, signal);
  // the signal comes when the loop turns
  return new Promise(() => setInterval(() => {}, 1000));
}
