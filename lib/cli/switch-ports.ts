import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import { errno, libc } from '../../ffi/libc.js';
import { SO_PEERCRED, SOL_SOCKET } from '../constants/index.js';
import { systemError } from '../core/errors.js';

/** Who is plugged into a switch of this process. */
export interface Peer {
  /** The number that the switch gave it: its socket there is `fdN`. */
  port: number;
  /** 0 where it is in a process namespace that cannot be seen from here. */
  pid: number;
  uid: number;
  /** The program's name; empty where it ended already. */
  command: string;
}

interface Port extends Peer {
  /** Of its socket file: the number is given again at once. */
  inode: bigint;
}

type Listener = (event: 'joined' | 'left', peer: Peer) => void;

/** `struct ucred`: pid, uid, gid. */
const UCRED_WORDS = 3;

/**
 * The ports of a switch that a stack of this process makes, as its directory shows them: the socket file of a port has the
 * number of the connection by which its peer joined, a descriptor of this process, for its daemon has the same table.
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

  /** Reports who is there, and from now on who joins and leaves. */
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
      // who left already, and those that prove the daemon
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

/** Who is at the other end of a connection; undefined where it ended meanwhile. */
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
  return { port: fd, pid, uid, command: commandOf(pid) };
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}
