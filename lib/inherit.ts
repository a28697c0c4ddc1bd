import { subscribe } from 'node:diagnostics_channel';
import { CLOSE_RANGE_CLOEXEC, libc } from '../ffi/libc.js';
import { PollHandle, READABLE } from '../ffi/poll.js';
import { UINT_MAX } from './validate.js';

const AFTER_STANDARD_STREAMS = 3;

/** Keeps every descriptor from `first` on from children, as Node does with its own. */
export function closeOnExec(first: number = AFTER_STANDARD_STREAMS): void {
  libc().close_range(first, UINT_MAX, CLOSE_RANGE_CLOEXEC);
}

let isBeforeSpawn = false;

/**
 * A switch's daemon accepts its peers into our descriptor table, without FD_CLOEXEC, whenever they join. So it is set before
 * each child of this thread, and when a peer has joined, for the children of other threads.
 */
export class PeerDescriptors {
  readonly #fd: number;
  readonly #watch: PollHandle | undefined;

  /** @param directory the switch's: a data socket appears in it for each peer, just after it was accepted */
  constructor(directory: string) {
    closeOnExecBeforeSpawn();
    this.#fd = libc().inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    const events = Buffer.alloc(EVENTS_SIZE);
    if (this.#fd < 0 || libc().inotify_add_watch(this.#fd, directory, IN_CREATE) < 0) return;
    this.#watch = new PollHandle(this.#fd, READABLE, () => {
      while (libc().read(this.#fd, events, events.length) > 0);
      closeOnExec();
    });
  }

  close(): void {
    this.#watch?.close();
    if (this.#fd >= 0) libc().close(this.#fd);
  }
}

// inotify(7)
const IN_CREATE = 0x100;
const IN_NONBLOCK = 0o4000;
const IN_CLOEXEC = 0o2000000;
const EVENTS_SIZE = 4096;

function closeOnExecBeforeSpawn(): void {
  if (isBeforeSpawn) return;
  isBeforeSpawn = true;
  subscribe('child_process', () => closeOnExec());
  beforeSpawnSync(() => closeOnExec());
}

interface SpawnSyncBinding {
  spawn(options: unknown): unknown;
}

/** Node tells of spawn(), exec() and fork(), not of their blocking forms: what they all call is Node's own binding. */
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
