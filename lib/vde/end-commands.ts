import { closeSync, openSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { libc } from '../../ffi/libc.js';
import { SOCK_CLOEXEC } from '../constants/socket.js';
import { kill } from '../core/kill.js';
import { GrowingPause } from '../core/waiting.js';
import { pollOnce } from '../io/poll-sync.js';
import { descriptorOf } from '../process/proc-file.js';
import { stateOfProcess } from '../process/process-state.js';

/** The time that a command has to end after its input is closed, and again after SIGTERM, in milliseconds. */
export const COMMAND_TIMEOUT_MS = 2000;
/** The time for a killed command to disappear. */
const KILL_TIMEOUT_MS = 1000;
/** The longest pause between two checks. */
const MAX_PAUSE_MS = 20;

/**
 * Ends the commands of `cmd://` networks, before C waits for them without a limit. Until then nobody reaps them, and their ids stay
 * theirs.
 * @returns undefined if there are none
 */
export function endCommands(pids: readonly number[]): Promise<void> | undefined {
  return pids.length > 0 ? untilEnded(pids) : undefined;
}

async function untilEnded(pids: readonly number[]): Promise<void> {
  for (const pause of ending(pids, COMMAND_TIMEOUT_MS)) await delay(pause);
}

/** Ends them as {@link endCommands}, but blocks the thread. @param patience the time for each step */
export function endCommandsSync(pids: readonly number[], patience = COMMAND_TIMEOUT_MS): void {
  for (const pause of ending(pids, patience)) pollOnce(-1, 0, pause);
}

/** Closes the input of the commands, then signals them until all have ended. Yields the pauses before the next check. */
function* ending(pids: readonly number[], patience: number): Generator<number> {
  const steps = [
    { act: closeInput, patience },
    { act: (pid: number) => kill(pid, 'SIGTERM'), patience },
    { act: (pid: number) => kill(pid, 'SIGKILL'), patience: KILL_TIMEOUT_MS },
  ];
  for (const step of steps) {
    const [start, pause] = [performance.now(), new GrowingPause(MAX_PAUSE_MS)];
    for (const pid of pids.filter(runs)) step.act(pid);
    while (pids.some(runs) && performance.now() < start + step.patience) yield pause.take();
  }
}

function runs(pid: number): boolean {
  return stateOfProcess(pid) !== 'gone';
}

/** Closes the input of a command. C will close the descriptor: its number must not become free, so another file gets it. */
function closeInput(pid: number): void {
  const input = descriptorOf(pid, 0);
  // a shell may have redirected its own
  if (!input.startsWith('pipe:')) return;
  try {
    const fds = readdirSync('/proc/self/fd').filter((fd) => descriptorOf('self', fd) === input);
    const nothing = openSync('/dev/null', 'w');
    for (const fd of fds) libc().dup3(nothing, Number(fd), SOCK_CLOEXEC);
    closeSync(nothing);
  } catch {
    // out of descriptors: SIGTERM follows
  }
}
