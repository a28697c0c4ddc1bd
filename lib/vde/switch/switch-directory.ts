import { accessSync, closeSync, constants, fstatSync, openSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { IothError } from '../../core/errors.js';
import { identityOf, lookAt } from '../../core/files.js';
import { nodeDirectory } from '../locator.js';
import { SwitchPeer } from './switch-peer.js';

/** The time that a living node may take to answer a new peer, in milliseconds. */
export const LIVING_NODE_MS = 500;
/** The sockets in a node's directory: its control socket, one for each peer, and those that peers make to join. */
const NODE_SOCKET = /^(ctl|fd\d+|\.\d+-\d+)$/;
const CONTROL_SOCKET = 'ctl';

/**
 * Removes the directory of a node whose process ended without removing it, so that another node can be made there.
 *
 * Such a directory belongs to this user, is no link, has a control socket that refuses connections, and otherwise only sockets
 * of nodes and their peers. All files are checked and removed through the opened directory, even if its path changes.
 * @returns 'removed'; 'alive' if a process serves it; 'other' if it is not a node's, or has other files in it
 */
export function removeGoneNode(directory: string): 'removed' | 'alive' | 'other' {
  const opened = OpenDirectory.open(directory);
  if (!opened) return 'other';
  try {
    const sockets = opened.nodeSockets();
    if (!sockets?.includes(CONTROL_SOCKET)) return opened.isAt(directory) ? 'other' : 'removed';
    if (opened.isServed()) return 'alive';
    if (!opened.isOwn) return 'other';
    // without permission to remove the directory nothing in it is touched
    if (!isWritable(dirname(directory)) || opened.nodeSockets() === undefined) return 'other';
    // another process may do the same at this moment, and may already have made its own node
    return opened.remove(directory) || !opened.isAt(directory) ? 'removed' : 'other';
  } finally {
    opened.close();
  }
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A directory by its descriptor, since its path may lead elsewhere at any time. */
class OpenDirectory {
  readonly #fd: number;
  readonly #here: string;

  private constructor(fd: number) {
    this.#fd = fd;
    this.#here = `/proc/self/fd/${fd}`;
  }

  /** Opens a directory. Returns undefined for a link, for another kind of file, and if it cannot be read. */
  static open(path: string): OpenDirectory | undefined {
    try {
      return new OpenDirectory(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW));
    } catch {
      return undefined;
    }
  }

  get isOwn(): boolean {
    return fstatSync(this.#fd).uid === process.geteuid?.();
  }

  get identity(): string {
    return identityOf(fstatSync(this.#fd, { bigint: true }));
  }

  /** Returns whether `path` is this directory now. */
  isAt(path: string): boolean {
    const stat = lookAt(path);
    return stat !== undefined && identityOf(stat) === this.identity;
  }

  /** Returns the names in it; undefined if one is not the socket of a node or its peer. */
  nodeSockets(): string[] | undefined {
    const names = readdirSync(this.#here);
    return names.every((name) => this.#isNodeSocket(name)) ? names : undefined;
  }

  #isNodeSocket(name: string): boolean {
    if (!NODE_SOCKET.test(name)) return false;
    // another process removes it too
    return lookAt(join(this.#here, name))?.isSocket() ?? true;
  }

  /** Returns whether a process serves the node. A daemon whose owner was killed notices it when a peer joins, and hangs up. */
  isServed(): boolean {
    let peer: SwitchPeer;
    try {
      peer = new SwitchPeer(this.#here);
    } catch (error) {
      return !(error instanceof IothError && ['ENOENT', 'ECONNREFUSED'].includes(error.code));
    }
    try {
      return !peer.hasReply(LIVING_NODE_MS) || peer.takeReply();
    } finally {
      peer.close();
    }
  }

  /** Removes its sockets, and the directory if `path` still leads to it and it is empty. Returns whether that was done. */
  remove(path: string): boolean {
    try {
      // the control socket goes last: it marks the directory if this is interrupted
      const names = readdirSync(this.#here).sort((a, b) => Number(a === CONTROL_SOCKET) - Number(b === CONTROL_SOCKET));
      for (const name of names) if (this.#isNodeSocket(name)) this.#unlink(name);
      if (!this.isAt(path)) return false;
      rmdirSync(path);
      return true;
    } catch {
      // another file is in it
      return false;
    }
  }

  #unlink(name: string): void {
    try {
      unlinkSync(join(this.#here, name));
    } catch {
      // C removes it too, on a thread that the end of the process is about to stop
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** The directory of a node that a stack made. C leaves it if peers are joined when the stack ends. */
export class SwitchDirectory {
  readonly path: string;
  readonly #identity: string | undefined;

  private constructor(path: string) {
    this.path = path;
    const opened = OpenDirectory.open(path);
    this.#identity = opened?.nodeSockets()?.includes(CONTROL_SOCKET) ? opened.identity : undefined;
    opened?.close();
  }

  /** Returns the directory of a VNL that was just opened; undefined if the VNL makes none. */
  static of(vnl: string): SwitchDirectory | undefined {
    const path = nodeDirectory(vnl);
    return path === undefined ? undefined : new SwitchDirectory(path);
  }

  /** Removes the rest of the directory. Does not touch a directory that another node has made since. */
  remove(): void {
    const opened = OpenDirectory.open(this.path);
    if (!opened) return;
    if (opened.identity === this.#identity) opened.remove(this.path);
    opened.close();
  }
}
