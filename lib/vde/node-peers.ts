import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { libc, POLLHUP, POLLIN, POLLRDHUP } from '../../ffi/libc.js';
import { decodeSockaddr, SOCKADDR_SIZE } from '../address/sockaddr.js';
import { MSG_DONTWAIT, MSG_PEEK, SO_ACCEPTCONN, SOCK_CLOEXEC, SOL_SOCKET } from '../constants/index.js';
import { pollOnce } from '../io/poll-sync.js';

/** What an event set has of a descriptor: a word of two numbers. */
interface Watched {
  readonly fd: number;
  readonly low: number;
  readonly high: number;
  /** Of the socket: its number is used again. */
  readonly inode: string;
}

/** A process that serves a node, with the descriptor table of this one. */
export interface NodeServer {
  /** How many calls of read(2) it made. */
  readCalls(): number;
  /** Whether it waits for something to do. */
  isAsleep(): boolean;
}

/**
 * The peers of a node (`switch://`, `hub://`, `multi://`, `bonding://`) of this process, as its event set has them: the listening
 * socket with its number twice; the connection of a peer that has not asked for a port yet with the listening one; later with its
 * data socket; the data socket twice.
 */
export class NodePeers {
  // opened before descriptors run out: peers that have gone are what takes them
  readonly #fdinfo: number;
  /** Of those that another process serves and that seemed to have gone: how many calls it had made by then. */
  #suspects = new Map<string, number>();
  /** The numbers of those that were closed, which are kept from others, and how many calls it had made by then. */
  readonly #replaced = new Map<number, number>();

  /** @throws {Error} EMFILE */
  constructor(epfd: number) {
    this.#fdinfo = openSync(`/proc/self/fdinfo/${epfd}`, 'r');
  }

  /** The socket that peers connect to; undefined where it is the event set of something else. */
  get listener(): number | undefined {
    return this.#watched().find(({ fd, low, high }) => fd === low && fd === high && isListening(fd))?.fd;
  }

  /**
   * The connections of peers that have not asked for a port. libvdeplug never closes them, not with the node, and not when they
   * have hung up: its event set stays ready then, for ever.
   */
  #waiting(): Watched[] {
    const { listener } = this;
    if (listener === undefined) return [];
    const path = boundPath(listener);
    return this.#watched().filter(
      ({ fd, low, high }) => fd === low && high === listener && fd !== listener && boundPath(fd) === path,
    );
  }

  /**
   * Closes those of them that have gone.
   * @param server who serves them, where that is another process
   * @param wake gives it something to do: it may have been told of an event that is no more, and vde_recv(3) waits for the next one
   * @returns how many have gone
   */
  closeGone(server?: NodeServer, wake?: () => void): number {
    const gone = this.#waiting().filter(({ fd }) => hasGone(fd));
    if (server) {
      if (this.#closeBehind(server, gone)) wake?.();
    } else for (const { fd } of gone) libc().close(fd);
    return gone.length;
  }

  /**
   * The server may just have read what such a peer asked for: it has dealt with that when it reads something else, and the peer
   * waits no more. It may also be about to read from one that has gone: its number is kept from others until it has.
   * @returns whether some were closed
   */
  #closeBehind(server: NodeServer, gone: readonly Watched[]): boolean {
    const calls = server.readCalls();
    // the first call may be the one that was under way
    const isOver = (before: number) => calls >= before + 2;
    const isAsleep = this.#replaced.size > 0 && server.isAsleep();
    for (const [fd, before] of this.#replaced) {
      if (!isAsleep && !isOver(before)) continue;
      this.#replaced.delete(fd);
      libc().close(fd);
    }
    const suspects = new Map<string, number>();
    for (const { fd, inode } of gone) {
      const before = Math.min(this.#suspects.get(inode) ?? calls, calls);
      if (!isOver(before)) suspects.set(inode, before);
      else if (libc().dup3(this.#fdinfo, fd, SOCK_CLOEXEC) >= 0) this.#replaced.set(fd, calls);
    }
    this.#suspects = suspects;
    return suspects.size < gone.length;
  }

  /** Whether {@link closeGone} has something left to do, though nothing happens. */
  get isClosing(): boolean {
    return this.#replaced.size > 0;
  }

  /** Closes all of those: before the node is closed. */
  closeWaiting(): void {
    for (const { fd } of this.#waiting()) libc().close(fd);
  }

  #watched(): Watched[] {
    const lines = readAll(this.#fdinfo).matchAll(
      /^tfd:\s*(\d+) events:\s*[0-9a-f]+ data:\s*([0-9a-f]+)(?:.* ino:([0-9a-f]+))?/gm,
    );
    return Array.from(lines, ([, fd, data, inode = '']) => {
      const word = BigInt(`0x${data}`);
      return { fd: Number(fd), low: Number(word & 0xffffffffn), high: Number(word >> 32n), inode };
    });
  }

  close(): void {
    for (const fd of this.#replaced.keys()) libc().close(fd);
    closeSync(this.#fdinfo);
  }
}

const CHUNK_SIZE = 65536;

/** A file of /proc, from its start: what the kernel had at that moment. */
function readAll(fd: number): string {
  const chunks: Buffer[] = [];
  for (let position = 0; ; ) {
    const chunk = Buffer.allocUnsafe(CHUNK_SIZE);
    const length = readSync(fd, chunk, 0, CHUNK_SIZE, position);
    if (length === 0) return Buffer.concat(chunks).toString('latin1');
    chunks.push(chunk.subarray(0, length));
    position += length;
  }
}

const byte = new Uint8Array(1);

/** Whether a peer hung up, or will send nothing more, and everything that it sent was read. */
function hasGone(fd: number): boolean {
  const isHungUp = (pollOnce(fd, POLLIN | POLLRDHUP, 0) & (POLLHUP | POLLRDHUP)) !== 0;
  return isHungUp && libc().recv(fd, byte, byte.length, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

/** The event set of the node in a directory, if it is among these descriptors. */
export function findNode(directory: string, descriptors: readonly number[]): number | undefined {
  return descriptors.filter(isEventSet).find((epfd) => {
    const peers = new NodePeers(epfd);
    const { listener } = peers;
    peers.close();
    return listener !== undefined && isIn(directory, boundPath(listener));
  });
}

/** Whether a path is that of a node's own end: others that joined are bound in its directory by other names. */
function isIn(directory: string, path: string): boolean {
  // in '/' C has two slashes
  return /^(ctl|fd\d+)$/.test(basename(path)) && dirname(path).replace(/^\/+/, '/') === directory;
}

/**
 * Closes what a process that has ended, and had our descriptor table, opened for the peers of its node: the node's own ends in
 * its directory, but for the listening one. Call it before that one is closed: no other node can be there until then.
 */
export function closeAcceptedIn(directory: string): void {
  for (const fd of readdirSync('/proc/self/fd').map(Number)) {
    if (isIn(directory, boundPath(fd)) && !isListening(fd)) libc().close(fd);
  }
}

export function isEventSet(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventpoll]';
  } catch {
    return false;
  }
}

function isListening(fd: number): boolean {
  const value = new Int32Array(1);
  const failed =
    libc().getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, new Uint8Array(value.buffer), new Uint32Array([4])) < 0;
  return !failed && value[0] === 1;
}

function boundPath(fd: number): string {
  const [bytes, length] = [Buffer.alloc(SOCKADDR_SIZE), new Uint32Array([SOCKADDR_SIZE])];
  if (libc().getsockname(fd, bytes, length) < 0) return '';
  try {
    const { family, address } = decodeSockaddr(bytes, length[0] ?? 0);
    return family === 'Unix' ? address : '';
  } catch {
    // of a family that no node has
    return '';
  }
}
