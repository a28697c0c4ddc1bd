import { on } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { EXIT_OK, exitCodeOf } from '../command.js';
import { failureOf, report } from '../failure.js';
import { LineHistory } from '../history.js';
import { interrupted } from '../interruption.js';
import { print, styled } from '../terminal.js';
import type { Session } from './command.js';
import { completeLine } from './completion.js';
import { ENDS, runStatement } from './run-statement.js';
import { statementsOf } from './statements.js';

const HISTORY_SIZE = 1000;
const END_SIGNALS = ['SIGTERM', 'SIGHUP'] as const;

/**
 * Reads commands at a terminal and runs them, until Ctrl-D, Ctrl-C twice, or a signal.
 * @returns the exit code
 */
export async function converse(session: Session): Promise<number> {
  const ended = new AbortController();
  let exitCode = EXIT_OK;
  const onSignal = (signal: NodeJS.Signals) => {
    exitCode = exitCodeOf(signal);
    ended.abort();
  };
  for (const signal of END_SIGNALS) process.on(signal, onSignal);
  const prompt = openPrompt(session);
  try {
    await Promise.race([readAndRun(session, prompt, ended), interrupted(ended.signal)]);
  } finally {
    prompt.close();
    for (const signal of END_SIGNALS) process.off(signal, onSignal);
  }
  return exitCode;
}

function openPrompt({ lab }: Session): Interface {
  const history = new LineHistory('lab');
  const prompt = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: styled('cyan', 'lab> '),
    completer: (line: string) => completeLine(lab, line),
    history: history.lines,
    historySize: HISTORY_SIZE,
    removeHistoryDuplicates: true,
  });
  prompt.on('history', (lines) => history.save(lines));
  let isAsked = false;
  prompt.on('line', () => {
    isAsked = false;
  });
  prompt.on('SIGINT', () => {
    if (prompt.line !== '') {
      // to the end of the line, and delete it
      for (const name of ['e', 'u']) prompt.write(null, { ctrl: true, name });
    } else if (isAsked) {
      prompt.close();
    } else {
      isAsked = true;
      print('\npress Ctrl-C again to end the lab');
      prompt.prompt();
    }
  });
  return prompt;
}

async function readAndRun(session: Session, prompt: Interface, ended: AbortController): Promise<void> {
  let front = new AbortController();
  let isBusy = false;
  // in cooked mode Ctrl-C is a signal, for the program in front too; it may come late, after the end of that program
  const interrupt = () => (isBusy || !front.signal.aborted ? front.abort() : prompt.emit('SIGINT'));
  process.on('SIGINT', interrupt);
  prompt.prompt();
  try {
    for await (const [line] of on(prompt, 'line', { close: ['close'] })) {
      prompt.pause();
      process.stdin.setRawMode?.(false);
      front = new AbortController();
      isBusy = true;
      const isOver = await runLine(session, line as string, AbortSignal.any([front.signal, ended.signal]));
      isBusy = false;
      if (isOver || ended.signal.aborted) return;
      process.stdin.setRawMode?.(true);
      prompt.prompt();
    }
    print('');
  } finally {
    process.off('SIGINT', interrupt);
  }
}

/** Runs the statements of a line, until one fails or Ctrl-C. @returns true if one ends the session */
async function runLine(session: Session, line: string, signal: AbortSignal): Promise<boolean> {
  try {
    for (const statement of statementsOf(line)) {
      if (ENDS.includes(statement.words[0]!)) return true;
      await runStatement(session, statement, signal);
      if (signal.aborted) break;
    }
  } catch (error) {
    if (!signal.aborted) report('lab', failureOf(error).message);
  }
  return false;
}
