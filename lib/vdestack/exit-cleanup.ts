import { atExit } from '../core/exit-hook.js';
import { endAllPrograms, type Programs } from '../programs/programs.js';
import { endCommandsSync } from '../vde/end-commands.js';
import { type Lingering, lingerLimits, lingerSync } from './linger.js';
import { killAll } from './vdestack-daemon.js';

/** Something to undo before the process, or the worker thread, ends. */
export interface ExitCleanup extends Lingering {
  /** The programs that run in the stack. */
  readonly programs: Programs;
  /** The processes of its `cmd://` networks. */
  readonly commands: readonly number[];
  /** Closes its sockets without a report to pending operations. Data that was sent is still delivered. Must not throw. */
  closeSocketsSilently(): void;
  /** Undoes it, synchronously, after {@link daemon} and the daemons of the others were killed. Must not throw. */
  cleanupSync(): void;
}

/** The time that a forced end waits for peers, in milliseconds: process.exit(), an exception, a signal. */
const FORCED_LINGER_MS = 1000;
/** The time of a command for each step of its end: the end of its input, SIGTERM. */
const EXIT_COMMAND_MS = 500;

const registered = new Set<ExitCleanup>();
let isHooked = false;
let isLoopEmpty = false;

/** Ends `cleanup` at every way out except SIGKILL: exit, an uncaught error, SIGINT, SIGTERM, SIGHUP … */
export function registerExitCleanup(cleanup: ExitCleanup): void {
  registered.add(cleanup);
  hookIntoExit();
}

/** Hooks into the ways out. Blocking calls need this hook: they end the process by a signal that has no other listener. */
export function hookIntoExit(): void {
  if (isHooked) return;
  isHooked = true;
  process.on('beforeExit', noteEmptyLoop);
  atExit(endAll);
}

/** Notes that the loop is empty. 'exit' follows at once, unless a listener of 'beforeExit' starts new work. */
function noteEmptyLoop(): void {
  isLoopEmpty = true;
  setImmediate(() => {
    isLoopEmpty = false;
  }).unref();
}

/** Removes `cleanup`, because it ended by itself. */
export function unregisterExitCleanup(cleanup: ExitCleanup): void {
  registered.delete(cleanup);
}

function endAll(): void {
  const all = [...registered];
  registered.clear();
  // close the sockets of all stacks before waiting for any: that delivers the data that one sent to another
  for (const cleanup of all) cleanup.closeSocketsSilently();
  endAllPrograms(all.map(({ programs }) => programs));
  lingerSync(all, isLoopEmpty ? lingerLimits() : { stall: FORCED_LINGER_MS, total: FORCED_LINGER_MS });
  killAll(all.flatMap(({ daemon }) => daemon ?? []));
  endCommandsSync(
    all.flatMap(({ commands }) => commands),
    EXIT_COMMAND_MS,
  );
  for (const cleanup of all) cleanup.cleanupSync();
}
