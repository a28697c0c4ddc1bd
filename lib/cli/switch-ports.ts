import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import { errno, libc } from '../../ffi/libc.js';
import { SO_PEERCRED, SOL_SOCKET } from '../constants/socket.js';
import { systemError } from '../core/errors.js';
import { textIfReadable } from '../core/files.js';

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

/** `struct ucred`: pid, uid, gid. */
const UCRED_WORDS = 3;

/**
 * Reports the peers of a switch that a stack of this process makes, and then those that join and leave, until the watcher is
 * closed. They are read from the switch's directory. The number in the name of a port's socket file is a descriptor: the
 * connection with which the peer joined. It is a descriptor of this process too, because the daemon has the same table.
 */
export function watchPeers(path: string, report: (event: 'joined' | 'left', peer: Peer) => void): FSWatcher {
  // with the inode of the socket file, because port numbers are reused at once
  const ports = new Map<number, { inode: bigint; peer: Peer }>();
  const update = () => {
    const inodes = inodesIn(path);
    for (const [number, { inode, peer }] of ports) {
      if (inodes.get(number) === inode) continue;
      ports.delete(number);
      report('left', peer);
    }
    for (const [number, inode] of inodes) {
      if (ports.has(number)) continue;
      const peer = peerOf(number);
      // skip peers that have already left, and those that test the daemon
      if (!peer || peer.pid === process.pid) continue;
      ports.set(number, { inode, peer });
      report('joined', peer);
    }
  };
  const watcher = watch(path, update);
  // the directory was removed
  watcher.on('error', () => watcher.close());
  update();
  return watcher;
}

/** Returns the inode of each port's socket file, by the number of the port. */
function inodesIn(path: string): Map<number, bigint> {
  const found = new Map<number, bigint>();
  for (const file of filesIn(path)) {
    const number = /^fd(\d+)$/.exec(file)?.[1];
    if (number === undefined) continue;
    const stat = statSync(join(path, file), { bigint: true, throwIfNoEntry: false });
    if (stat) found.set(Number(number), stat.ino);
  }
  return found;
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
