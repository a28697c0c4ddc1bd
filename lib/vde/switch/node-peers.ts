import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { libc, POLLHUP, POLLIN, POLLRDHUP } from '../../../ffi/libc.js';
import { decodeSockaddr, SOCKADDR_SIZE } from '../../address/sockaddr.js';
import { MSG_DONTWAIT, MSG_PEEK, SO_ACCEPTCONN, SOCK_CLOEXEC, SOL_SOCKET } from '../../constants/socket.js';
import { closeOnExec, fileOf } from '../../io/open-descriptor.js';
import { pollOnce } from '../../io/poll-sync.js';

/** The shortest time between two searches for peers that have gone, after calls of vde_recv(3). */
const GONE_PEERS_PAUSE_MS = 100;

/** A descriptor in an event set, with the two halves of its data word. */
interface Watched {
  readonly fd: number;
  readonly low: number;
  readonly high: number;
  /** The inode of the socket, which tells it from a later one with the same descriptor number. */
  readonly inode: string;
}

/** A process that serves a node, and shares the descriptor table of this process. */
export interface NodeServer {
  /** Returns how many calls of read(2) it has made. */
  readCalls(): number;
  /** Returns whether it sleeps until an event. */
  isAsleep(): boolean;
}

/**
 * The peers of a node (`switch://`, `hub://`, `multi://`, `bonding://`) of this process, read from its event set. Each entry has
 * two numbers. The listening socket has its own number twice. The connection of a peer has its own number and that of the
 * listening socket, and after the peer asked for a port that of its data socket. A data socket has its own number twice.
 */
export class NodePeers {
  // opened before descriptors run out, since peers that have gone may use them up
  readonly #fdinfo: number;
  /** Peers of a server process that seemed to have gone, by inode: the number of calls that it had made by then. */
  #suspects = new Map<string, number>();
  /** Descriptor numbers of closed peers, reserved for a while: the number of calls that the server had made by then. */
  readonly #replaced = new Map<number, number>();
  #lookedAt = 0;

  /** @throws {Error} EMFILE */
  constructor(epfd: number) {
    this.#fdinfo = openSync(`/proc/self/fdinfo/${epfd}`, 'r');
  }

  /** The socket that peers connect to; undefined if the event set is not that of a node. */
  get listener(): number | undefined {
    return this.#watched().find(({ fd, low, high }) => fd === low && fd === high && isListening(fd))?.fd;
  }

  /**
   * Returns the connections of peers that have not asked for a port. libvdeplug never closes them, neither with the node nor when
   * they have hung up: then its event set stays ready for ever.
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
   * Handles what a series of vde_recv(3) calls may leave behind.
   * @param others the number of calls that returned no frame, not 0
   * @param max the most calls of a series
   */
  afterCalls(others: number, max: number): void {
    // libvdeplug accepts peers without FD_CLOEXEC
    closeOnExec();
    if (others <= max / 2) return;
    // peers that left before they asked for a port: the event set reports them for ever
    const now = performance.now();
    if (now - this.#lookedAt < GONE_PEERS_PAUSE_MS) return;
    this.#lookedAt = now;
    this.closeGone();
  }

  /**
   * Closes the connections of peers that have gone without asking for a port.
   * @param server the process that serves the node, if it is another one
   * @param wake wakes the server: it may have an event that is gone now, and vde_recv(3) waits for the next one
   * @returns the number of peers that have gone
   */
  closeGone(server?: NodeServer, wake?: () => void): number {
    const gone = this.#waiting().filter(({ fd }) => hasGone(fd));
    if (server) {
      if (this.#closeBehind(server, gone)) wake?.();
    } else for (const { fd } of gone) libc().close(fd);
    return gone.length;
  }

  /**
   * Closes peers of a server process. The server may just have read the request of a peer: when it makes another read it has
   * handled the request, and the peer no longer counts as waiting. It may also be about to read from a peer that has gone: that
   * descriptor number stays reserved until it has.
   * @returns whether some peers were closed
   */
  #closeBehind(server: NodeServer, gone: readonly Watched[]): boolean {
    const calls = server.readCalls();
    // the first of the two calls may already have been under way
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

  /** True if {@link closeGone} must be called again, even without an event. */
  get isClosing(): boolean {
    return this.#replaced.size > 0;
  }

  /** Closes the connections of all peers that have not asked for a port. Call it before the node is closed. */
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

/** Reads a file of /proc from its start: the state of this moment. */
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

/** Returns whether a peer hung up, or shut down its sending side, and all that it sent was read. */
function hasGone(fd: number): boolean {
  const isHungUp = (pollOnce(fd, POLLIN | POLLRDHUP, 0) & (POLLHUP | POLLRDHUP)) !== 0;
  return isHungUp && libc().recv(fd, byte, byte.length, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

/** Returns the event set of the node in a directory, if it is among these descriptors. */
export function findNode(directory: string, descriptors: readonly number[]): number | undefined {
  return descriptors.filter(isEventSet).find((epfd) => {
    const peers = new NodePeers(epfd);
    const { listener } = peers;
    peers.close();
    return listener !== undefined && isIn(directory, boundPath(listener));
  });
}

/** Returns whether a path is a node's own socket in a directory. Peers bind other names there. */
function isIn(directory: string, path: string): boolean {
  // C writes two slashes for a socket in '/'
  return /^(ctl|fd\d+)$/.test(basename(path)) && dirname(path).replace(/^\/+/, '/') === directory;
}

/**
 * Closes the sockets that an ended process, which shared our descriptor table, opened for the peers of its node: the node's own
 * sockets in its directory, but not the listening one. Call it before that one is closed: until then no other node can be there.
 */
export function closeAcceptedIn(directory: string): void {
  for (const fd of readdirSync('/proc/self/fd').map(Number)) {
    if (isIn(directory, boundPath(fd)) && !isListening(fd)) libc().close(fd);
  }
}

function isEventSet(fd: number): boolean {
  try {
    return fileOf(fd).kind === 'eventpoll';
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
    // a family that no node uses
    return '';
  }
}
