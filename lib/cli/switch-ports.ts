import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import { errno, libc } from '../../ffi/libc.js';
import { SO_PEERCRED, SOL_SOCKET } from '../constants/index.js';
import { systemError } from '../core/errors.js';
import { textIfReadable } from '../core/text-file.js';

/** A peer that is plugged into a switch of this process. */
export interface Peer {
  /** The number that the switch gave it: its socket file is `fdN`. */
  port: number;
  /** The process id; 0 if the process is in a pid namespace that is not visible from here. */
  pid: number;
  uid: number;
  /** The name of the program; empty if it has already ended. */
  command: string;
}

interface Port extends Peer {
  /** The inode of its socket file, because port numbers are reused at once. */
  inode: bigint;
}

type Listener = (event: 'joined' | 'left', peer: Peer) => void;

/** `struct ucred`: pid, uid, gid. */
const UCRED_WORDS = 3;

/**
 * The ports of a switch that a stack of this process makes, read from its directory. The number in the name of a port's socket
 * file is a descriptor: the connection with which the peer joined. It is a descriptor of this process too, because the daemon has
 * the same table.
 */
export class SwitchPorts {
  readonly #path: string;
  readonly #listener: Listener;
  readonly #ports = new Map<number, Port>();
  #watcher: FSWatcher | undefined;

  constructor(path: string, listener: Listener) {
    this.#path = path;
    this.#listener = listener;
  }

  /** Reports the peers that are there, and then those that join and leave. */
  watch(): void {
    this.#watcher = watch(this.#path, () => this.#update());
    // the directory was removed
    this.#watcher.on('error', () => this.close());
    this.#update();
  }

  close(): void {
    this.#watcher?.close();
  }

  #update(): void {
    const inodes = this.#inodes();
    for (const [number, { inode, ...peer }] of this.#ports) {
      if (inodes.get(number) === inode) continue;
      this.#ports.delete(number);
      this.#listener('left', peer);
    }
    for (const [number, inode] of inodes) {
      if (this.#ports.has(number)) continue;
      const peer = peerOf(number);
      // skip peers that have already left, and those that test the daemon
      if (!peer || peer.pid === process.pid) continue;
      this.#ports.set(number, { ...peer, inode });
      this.#listener('joined', peer);
    }
  }

  #inodes(): Map<number, bigint> {
    const found = new Map<number, bigint>();
    for (const file of filesIn(this.#path)) {
      const number = /^fd(\d+)$/.exec(file)?.[1];
      if (number === undefined) continue;
      const stat = statSync(join(this.#path, file), { bigint: true, throwIfNoEntry: false });
      if (stat) found.set(Number(number), stat.ino);
    }
    return found;
  }
}

function filesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Returns the peer at the other end of a connection; undefined if the connection has ended. */
function peerOf(fd: number): Peer | undefined {
  const credentials = new Int32Array(UCRED_WORDS);
  const bytes = new Uint8Array(credentials.buffer);
  const length = new Uint32Array([bytes.length]);
  if (libc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, bytes, length) < 0) {
    const error = systemError(errno(), 'getsockopt');
    if (error.code === 'EBADF' || error.code === 'ENOTSOCK') return undefined;
    throw error;
  }
  const [pid = 0, uid = 0] = credentials;
  return { port: fd, pid, uid, command: textIfReadable(`/proc/${pid}/comm`).trim() };
}
