import { readdirSync } from 'node:fs';
import { libvdeplug, type VdeConnPointer } from '../../ffi/vdeplug.js';
import { kill } from '../core/kill.js';
import { within } from '../core/waiting.js';
import { runNativeAsync } from '../io/async-calls.js';
import { fileOf } from '../io/open-descriptor.js';
import { childrenOf, descriptorOf } from '../process/proc-file.js';
import { COMMAND_TIMEOUT_MS } from './end-commands.js';

/** Calls vde_close(3) of a connection that nobody has used: at once, or as {@link closeCommand}. */
export async function closeUnused(conn: VdeConnPointer): Promise<void> {
  const { kind, name } = fileOf(libvdeplug().datafd(conn));
  if (kind === 'pipe') await closeCommand(conn, name);
  else libvdeplug().close(conn);
}

/**
 * Calls vde_close(3) of a cmd:// on a thread of libuv, since it waits for the command. Kills a command that does not end: this
 * process could not end before it.
 * @param pipe the pipe that the command writes to, by its name in /proc
 */
export async function closeCommand(conn: VdeConnPointer, pipe: string): Promise<void> {
  const closed = runNativeAsync<number>((done) => libvdeplug().close_async(conn, done), 'slow');
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (await within(closed, COMMAND_TIMEOUT_MS)) return;
    for (const pid of writers(pipe)) kill(pid, signal);
  }
  await within(closed, COMMAND_TIMEOUT_MS);
}

/** Returns the child processes whose standard output is a pipe. @param pipe its name in /proc */
export function writers(pipe: string): number[] {
  return children().filter((child) => descriptorOf(child, 1) === pipe);
}

/** Returns the child processes of all threads, since libuv's threads start the commands. */
function children(): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => childrenOf(`self/task/${thread}`));
}
