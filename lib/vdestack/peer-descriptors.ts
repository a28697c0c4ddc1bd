import { subscribe } from 'node:diagnostics_channel';
import { libc } from '../../ffi/libc.js';
import { runNativeAsync } from '../io/async-calls.js';
import { closeOnExec } from '../io/open-descriptor.js';
import { PollHandle, READABLE } from '../io/poll-handle.js';
import type { EndStep } from './end-steps.js';

/*
 * A switch's daemon accepts its peers into our descriptor table, without FD_CLOEXEC, whenever they join. So the flag is set
 * before each child of this thread starts. For the children of other threads it is set when a peer has joined.
 */

// inotify(7)
const IN_CREATE = 0x100;
const IN_NONBLOCK = 0o4000;
const IN_CLOEXEC = 0o2000000;
const EVENTS_SIZE = 4096;

/** Watches directories of switches: a data socket appears there for each peer, just after it was accepted. One per thread. */
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

  /** Stops watching a directory. Returns whether it was the last one. */
  remove(watch: number): boolean {
    libc().inotify_rm_watch(this.#fd, watch);
    return --this.#directories === 0;
  }

  /** Closes the watch. Blocks for about 10 ms in the kernel. */
  closeSync(): void {
    this.#poll?.close();
    if (this.#fd >= 0) libc().close(this.#fd);
  }

  /** Closes the watch on a thread of libuv. */
  async close(): Promise<void> {
    this.#poll?.close();
    if (this.#fd >= 0) await runNativeAsync<number>((done) => libc().close_async(this.#fd, done));
  }
}

let shared: DirectoryWatch | undefined;

/** Keeps children from inheriting the peers of the switch in `directory`, until it ends. */
export class PeerDescriptors implements EndStep {
  #watch: number | undefined;

  constructor(directory: string) {
    closeOnExecBeforeSpawn();
    shared ??= new DirectoryWatch();
    this.#watch = shared.add(directory);
  }

  end(): Promise<void> | undefined {
    return this.#takeLast()?.close();
  }

  endSync(): void {
    this.#takeLast()?.closeSync();
  }

  /** Returns the shared watch if this was its last user. */
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
  // Node does not publish the blocking forms of spawn(), exec() and fork(): all of them call Node's own binding
  const { binding } = process as { binding?: (name: string) => { spawn(options: unknown): unknown } };
  try {
    const spawnSync = binding?.call(process, 'spawn_sync');
    if (typeof spawnSync?.spawn !== 'function') return;
    const { spawn } = spawnSync;
    spawnSync.spawn = (options) => {
      closeOnExec();
      return spawn.call(spawnSync, options);
    };
  } catch {
    // this Node has no binding, or its permissions forbid it: only the watch is left
  }
}
