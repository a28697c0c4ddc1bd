import { accessSync, closeSync, constants, fstatSync, openSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { IothError } from '../core/errors.js';
import { identityOf, lookAt } from '../core/file-identity.js';
import { nodeDirectory } from './locator.js';
import { SwitchPeer } from './switch-peer.js';

/** How long a node that lives may take to answer a new peer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 500;
/** The sockets in a node's directory: its control socket, one for each peer, and those that peers make while they join. */
const NODE_SOCKET = /^(ctl|fd\d+|\.\d+-\d+)$/;
const CONTROL_SOCKET = 'ctl';

/**
 * Removes the directory of a node whose process is gone without having removed it, so that another can be made there.
 *
 * It is one where it is this user's, no link, and has a control socket that refuses, and beside it nothing but sockets of
 * nodes and their peers. What is looked at and removed is in the directory that was opened, whatever its path leads to by then.
 * @returns 'removed', 'alive' where somebody serves it, 'other' where it is not a node's, or has files of others in it
 */
export function removeGoneNode(directory: string): 'removed' | 'alive' | 'other' {
  const opened = OpenDirectory.open(directory);
  if (!opened) return 'other';
  try {
    const sockets = opened.nodeSockets();
    if (!sockets?.includes(CONTROL_SOCKET)) return opened.isAt(directory) ? 'other' : 'removed';
    if (opened.isServed()) return 'alive';
    if (!opened.isOwn) return 'other';
    // without the right to remove it nothing in it is touched
    if (!isWritable(dirname(directory)) || opened.nodeSockets() === undefined) return 'other';
    // somebody may do the same at this moment, and may have made a node of its own already
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

/** A directory by its descriptor: its path may lead elsewhere at any time. */
class OpenDirectory {
  readonly #fd: number;
  readonly #here: string;

  private constructor(fd: number) {
    this.#fd = fd;
    this.#here = `/proc/self/fd/${fd}`;
  }

  /** Undefined for a link, for what is no directory, and for one that cannot be read. */
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

  /** Whether `path` is this directory, now. */
  isAt(path: string): boolean {
    const stat = lookAt(path);
    return stat !== undefined && identityOf(stat) === this.identity;
  }

  /** The names in it; undefined where one is not the socket of a node or its peer. */
  nodeSockets(): string[] | undefined {
    const names = readdirSync(this.#here);
    return names.every((name) => this.#isNodeSocket(name)) ? names : undefined;
  }

  #isNodeSocket(name: string): boolean {
    if (!NODE_SOCKET.test(name)) return false;
    // somebody removes it too
    return lookAt(join(this.#here, name))?.isSocket() ?? true;
  }

  /** A daemon whose owner was killed looks after it when a peer joins: it ends then, and hangs up. */
  isServed(): boolean {
    let peer: SwitchPeer;
    try {
      peer = new SwitchPeer(this.#here);
    } catch (error) {
      return !(error instanceof IothError && ['ENOENT', 'ECONNREFUSED'].includes(error.code));
    }
    try {
      return !peer.hasReply(ANSWER_TIMEOUT_MS) || peer.takeReply();
    } finally {
      peer.close();
    }
  }

  /** Removes the sockets in it, and it, where `path` still is it and nothing else is in it. Whether it did. */
  remove(path: string): boolean {
    try {
      // it is known by its control socket, should this be interrupted
      const names = readdirSync(this.#here).sort((a, b) => Number(a === CONTROL_SOCKET) - Number(b === CONTROL_SOCKET));
      for (const name of names) if (this.#isNodeSocket(name)) this.#unlink(name);
      if (!this.isAt(path)) return false;
      rmdirSync(path);
      return true;
    } catch {
      // somebody keeps something else in it
      return false;
    }
  }

  #unlink(name: string): void {
    try {
      unlinkSync(join(this.#here, name));
    } catch {
      // C removes it too, on a thread that the process's end is about to stop
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** The directory of a node that a stack made, which C leaves where peers are joined when the stack ends. */
export class SwitchDirectory {
  readonly path: string;
  readonly #identity: string | undefined;

  private constructor(path: string) {
    this.path = path;
    const opened = OpenDirectory.open(path);
    this.#identity = opened?.nodeSockets()?.includes(CONTROL_SOCKET) ? opened.identity : undefined;
    opened?.close();
  }

  /** Of a VNL that was just opened; undefined for one that makes no directory. */
  static of(vnl: string): SwitchDirectory | undefined {
    const path = nodeDirectory(vnl);
    return path === undefined ? undefined : new SwitchDirectory(path);
  }

  /** Removes what C left of it. A directory that another node made since is not touched. */
  remove(): void {
    const opened = OpenDirectory.open(this.path);
    if (!opened) return;
    if (opened.identity === this.#identity) opened.remove(this.path);
    opened.close();
  }
}
