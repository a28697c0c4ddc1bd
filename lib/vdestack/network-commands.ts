import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { libc } from '../../ffi/libc.js';
import { SOCK_CLOEXEC } from '../constants/socket.js';
import { GrowingPause } from '../core/growing-pause.js';
import { kill } from '../core/kill.js';
import { pollOnce } from '../io/poll-sync.js';
import { stateOfProcess } from '../process/process-state.js';
import type { EndStep } from './end-steps.js';

/** The time that a command has to end after its input is closed, and again after SIGTERM, in milliseconds. */
const PATIENCE_MS = 2000;
/** The same when the process ends, which waits for them. */
const EXIT_PATIENCE_MS = 500;
/** The time for a killed command to disappear. */
const KILL_TIMEOUT_MS = 1000;
/** The longest pause between two checks. */
const MAX_PAUSE_MS = 20;

/**
 * The commands of a stack's `cmd://` networks. libvdeplug started them in this process, and ioth_delstack(3) waits for their ends
 * without a limit. So they are ended before it, when the daemon has ended. Nobody else reaps them: their ids stay theirs until then.
 */
export class NetworkCommands implements EndStep {
  constructor(readonly pids: readonly number[]) {}

  end(): Promise<void> | undefined {
    return this.pids.length > 0 ? this.#end() : undefined;
  }

  async #end(): Promise<void> {
    for (const pause of ending(this.pids, PATIENCE_MS)) await delay(pause);
  }

  endSync(): void {
    endSync(this.pids, PATIENCE_MS);
  }
}

/** Ends the commands of all stacks when the process, or a worker thread, ends. */
export function endAllCommands(all: readonly NetworkCommands[]): void {
  const pids = all.flatMap((commands) => commands.pids);
  endSync(pids, EXIT_PATIENCE_MS);
}

function endSync(pids: readonly number[], patience: number): void {
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
  const input = linkOf(`${pid}/fd/0`);
  // a shell may have redirected its own
  if (!input.startsWith('pipe:')) return;
  try {
    const fds = readdirSync('/proc/self/fd').filter((fd) => linkOf(`self/fd/${fd}`) === input);
    const nothing = openSync('/dev/null', 'w');
    for (const fd of fds) libc().dup3(nothing, Number(fd), SOCK_CLOEXEC);
    closeSync(nothing);
  } catch {
    // out of descriptors: SIGTERM follows
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(`/proc/${file}`);
  } catch {
    return '';
  }
}
