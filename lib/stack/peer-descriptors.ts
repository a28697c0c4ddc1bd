import { subscribe } from 'node:diagnostics_channel';
import { libc } from '../../ffi/libc.js';
import { runNativeAsync } from '../io/async-calls.js';
import { closeOnExec } from '../io/descriptor-flags.js';
import { PollHandle, READABLE } from '../io/poll-handle.js';

/*
 * A switch's daemon accepts its peers into our descriptor table, without FD_CLOEXEC, whenever they join. So it is set before
 * each child of this thread, and when a peer has joined, for the children of other threads.
 */

// inotify(7)
const IN_CREATE = 0x100;
const IN_NONBLOCK = 0o4000;
const IN_CLOEXEC = 0o2000000;
const EVENTS_SIZE = 4096;

/** Watches directories of switches: a data socket appears there for each peer, just after it was accepted. One a thread. */
class DirectoryWatch {
  readonly #fd = libc().inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  readonly #poll: PollHandle | undefined;
  #directories = 0;

  constructor() {
    if (this.#fd < 0) return;
    const events = Buffer.alloc(EVENTS_SIZE);
    this.#poll = new PollHandle(this.#fd, READABLE, () => {
      while (libc().read(this.#fd, events, events.length) > 0);
      closeOnExec();
    });
  }

  add(directory: string): number {
    this.#directories++;
    return libc().inotify_add_watch(this.#fd, directory, IN_CREATE);
  }

  /** Whether it was the last. */
  remove(watch: number): boolean {
    libc().inotify_rm_watch(this.#fd, watch);
    return --this.#directories === 0;
  }

  /** Blocks for some 10 ms, which the kernel takes for it. */
  closeSync(): void {
    this.#poll?.close();
    if (this.#fd >= 0) libc().close(this.#fd);
  }

  /** The same on a thread of libuv. */
  async close(): Promise<void> {
    this.#poll?.close();
    if (this.#fd >= 0) await runNativeAsync<number>((done) => libc().close_async(this.#fd, done));
  }
}

let shared: DirectoryWatch | undefined;

/** Keeps the peers of the switch in `directory` from children, until it is closed. */
export class PeerDescriptors {
  #watch: number | undefined;

  constructor(directory: string) {
    closeOnExecBeforeSpawn();
    shared ??= new DirectoryWatch();
    this.#watch = shared.add(directory);
  }

  async close(): Promise<void> {
    await this.#takeLast()?.close();
  }

  closeSync(): void {
    this.#takeLast()?.closeSync();
  }

  /** What watches the directories, where no other is left. */
  #takeLast(): DirectoryWatch | undefined {
    const watch = this.#watch;
    this.#watch = undefined;
    if (watch === undefined || !shared?.remove(watch)) return undefined;
    const last = shared;
    shared = undefined;
    return last;
  }
}

let isBeforeSpawn = false;

function closeOnExecBeforeSpawn(): void {
  if (isBeforeSpawn) return;
  isBeforeSpawn = true;
  subscribe('child_process', () => closeOnExec());
  beforeSpawnSync(() => closeOnExec());
}

interface SpawnSyncBinding {
  spawn(options: unknown): unknown;
}

/** Node publishes spawn(), exec() and fork(), not their blocking forms: what they all call is Node's own binding. */
function beforeSpawnSync(prepare: () => void): void {
  const { binding } = process as { binding?: (name: string) => SpawnSyncBinding };
  try {
    const spawnSync = binding?.call(process, 'spawn_sync');
    if (typeof spawnSync?.spawn !== 'function') return;
    const { spawn } = spawnSync;
    spawnSync.spawn = (options) => {
      prepare();
      return spawn.call(spawnSync, options);
    };
  } catch {
    // a Node without it, or one whose permissions forbid it: the watch is left
  }
}
