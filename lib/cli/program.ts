import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { exitCodeOf } from './command.js';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;
/** The signals of Ctrl-C and Ctrl-\, which a terminal sends to the program and to this process. */
const OF_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];
/** The signals that end other programs, but not Node: it ignores SIGPIPE, and opens its inspector at SIGUSR1. */
const TAKEN_BY_NODE: readonly NodeJS.Signals[] = ['SIGPIPE', 'SIGUSR1'];
/** How long a signal may take to end this process. An option of Node, such as --report-on-signal, may take it instead. */
const SIGNAL_MS = 1000;

/** The exit code or signal with which a program ended. */
export type ProgramEnd = readonly [code: number | null, signal: NodeJS.Signals | null];

/** Waits for the end of a program that has our terminal, and forwards signals to it. */
export async function endOf(child: ChildProcess): Promise<ProgramEnd> {
  const late = new Set(process.stdin.isTTY ? OF_TERMINAL : []);
  const forward = (signal: NodeJS.Signals) => {
    late.delete(signal);
    const isFromTerminal = process.stdin.isTTY && OF_TERMINAL.includes(signal);
    if (!isFromTerminal) child.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  try {
    return (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward);
    // the end may be known before the signal that brought it, which any thread may handle: it must not end this process
    for (const signal of late) process.off(signal, ignore).once(signal, ignore);
  }
}

function ignore(): void {}

/**
 * Returns the exit code of the program as our own. If a signal ended the program, ends this process by the same signal.
 * @returns 128 plus the number of a signal that does not end this process
 */
export async function passOn([code, signal]: ProgramEnd): Promise<number> {
  if (signal === null) return code ?? 0;
  if (!TAKEN_BY_NODE.includes(signal)) {
    process.off(signal, ignore);
    process.kill(process.pid, signal);
    // the signal arrives when the event loop runs
    await delay(SIGNAL_MS);
  }
  return exitCodeOf(signal);
}
