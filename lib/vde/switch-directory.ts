import { readdirSync, readlinkSync, realpathSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { libc } from '../../ffi/libc.js';
import { decodeSockaddr, SOCKADDR_SIZE } from '../address/sockaddr.js';
import { IothError } from '../core/errors.js';
import { SwitchPeer } from './switch-peer.js';

/** How long a node that lives may take to answer a new peer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 500;
/** What a node makes in its directory: its control socket, and a data socket for each peer. */
const NODE_FILE = /^(ctl|fd\d+)$/;

/** The path of the switch, hub, multi or bonding node that a VNL makes, as it stands there; undefined where it makes none. */
export function nodePath(vnl: string): string | undefined {
  // a node may be the network below another: vlan://3[switch:///tmp/sw]
  return /(?:^|[:[])(?:switch|hub|multi|bonding):\/\/([^[\]]+)/.exec(vnl)?.[1];
}

/** The same, absolute; undefined too where the directory above it does not exist. */
export function nodeDirectory(vnl: string): string | undefined {
  const path = nodePath(vnl);
  if (path === undefined) return undefined;
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return undefined;
  }
}

/**
 * Removes the directory of a node whose process is gone without having removed it, so that another can be made there.
 * @returns 'removed', 'alive' where somebody serves it, 'other' where it is not a node's, or has files of others in it
 */
export function removeGoneNode(directory: string): 'removed' | 'alive' | 'other' {
  if (!isNodeDirectory(directory)) return 'other';
  if (isServed(directory)) return 'alive';
  // somebody may do the same at this moment, and may have made a node of its own already: it is looked at once more
  // where nobody else finds it
  const aside = `${directory}.gone-${process.pid}`;
  try {
    renameSync(directory, aside);
  } catch {
    return 'removed';
  }
  if (isServed(aside)) {
    renameSync(aside, directory);
    return 'alive';
  }
  removeNodeFiles(aside);
  return 'removed';
}

function isNodeDirectory(directory: string): boolean {
  try {
    return readdirSync(directory).every((file) => NODE_FILE.test(file));
  } catch {
    return false;
  }
}

/** A daemon whose owner was killed looks after it when a peer joins: it ends then, and hangs up. */
function isServed(directory: string): boolean {
  let peer: SwitchPeer;
  try {
    peer = new SwitchPeer(directory);
  } catch (error) {
    return !(error instanceof IothError && ['ENOENT', 'ECONNREFUSED'].includes(error.code));
  }
  try {
    return !peer.hasReply(ANSWER_TIMEOUT_MS) || peer.takeReply();
  } finally {
    peer.close();
  }
}

function removeNodeFiles(directory: string): void {
  for (const file of readdirSync(directory)) {
    // while C removes it too, on a thread that the process's end is about to stop
    if (NODE_FILE.test(file)) rmSync(join(directory, file), { force: true });
  }
  rmdirSync(directory);
}

/**
 * The directory of a node that a stack made. Its daemon accepts the peers, and what it opened for them nobody closes: two
 * descriptors and a socket file for each peer that is joined when the stack ends, and so the directory stays too.
 */
export class SwitchDirectory {
  readonly path: string;
  readonly #identity: string;

  private constructor(path: string) {
    this.path = path;
    this.#identity = identityOf(path) ?? '';
  }

  /** Of a VNL that was just opened; undefined for one that makes no directory. */
  static of(vnl: string): SwitchDirectory | undefined {
    const path = nodeDirectory(vnl);
    return path === undefined ? undefined : new SwitchDirectory(path);
  }

  /** Closes the node's own ends. Call it after ioth_delstack(3): a directory that another node made since is not touched. */
  closeDescriptors(): void {
    if (identityOf(this.path) !== this.#identity) return;
    for (const fd of descriptorsBoundIn(this.path)) libc().close(fd);
  }

  /** Removes what is left of it, when its descriptors are closed or end with the process. */
  remove(): void {
    try {
      if (identityOf(this.path) === this.#identity) removeNodeFiles(this.path);
    } catch {
      // somebody keeps something else in it, or removes it too
    }
  }
}

function identityOf(path: string): string | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat && `${stat.dev} ${stat.ino} ${stat.birthtimeNs}`;
}

/** The descriptors of the node's own ends: those bound to `ctl` and `fdN` in its directory. */
function descriptorsBoundIn(directory: string): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => {
      const path = isSocket(fd) ? boundPath(fd) : '';
      return path.startsWith(`${directory}/`) && NODE_FILE.test(path.slice(directory.length + 1));
    });
}

function isSocket(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
  } catch {
    return false;
  }
}

function boundPath(fd: number): string {
  const [bytes, length] = [Buffer.alloc(SOCKADDR_SIZE), new Uint32Array([SOCKADDR_SIZE])];
  if (libc().getsockname(fd, bytes, length) < 0) return '';
  try {
    const { family, address } = decodeSockaddr(bytes, length[0] ?? 0);
    return family === 'Unix' ? address : '';
  } catch {
    return '';
  }
}
