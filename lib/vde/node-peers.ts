import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { libc, POLLHUP, POLLIN, POLLRDHUP } from '../../ffi/libc.js';
import { decodeSockaddr, SOCKADDR_SIZE } from '../address/sockaddr.js';
import { MSG_DONTWAIT, MSG_PEEK, SO_ACCEPTCONN, SOL_SOCKET } from '../constants/index.js';
import { pollOnce } from '../io/poll-sync.js';

/** What an event set has of a descriptor: a word of two numbers. */
interface Watched {
  readonly fd: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The peers of a node (`switch://`, `hub://`, `multi://`, `bonding://`) of this process, as its event set has them: the listening
 * socket with its number twice; the connection of a peer that has not asked for a port yet with the listening one; later with its
 * data socket; the data socket twice.
 */
export class NodePeers {
  // opened before descriptors run out: peers that have gone are what takes them
  readonly #fdinfo: number;

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

  /** Closes those of them that have gone. */
  closeGone(): void {
    for (const { fd } of this.#waiting().filter(({ fd }) => hasGone(fd))) libc().close(fd);
  }

  /** Closes all of those: before the node is closed. */
  closeWaiting(): void {
    for (const { fd } of this.#waiting()) libc().close(fd);
  }

  #watched(): Watched[] {
    const lines = readAll(this.#fdinfo).matchAll(/^tfd:\s*(\d+) events:\s*[0-9a-f]+ data:\s*([0-9a-f]+)/gm);
    return Array.from(lines, ([, fd, data]) => {
      const word = BigInt(`0x${data}`);
      return { fd: Number(fd), low: Number(word & 0xffffffffn), high: Number(word >> 32n) };
    });
  }

  close(): void {
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

/**
 * Closes what a process that has ended, and had our descriptor table, opened for the peers of its node: the sockets that are bound
 * in its directory, but for the listening one. Call it before that one is closed: no other node can be there until then.
 */
export function closeAcceptedIn(directory: string): void {
  for (const fd of readdirSync('/proc/self/fd').map(Number)) {
    if (!linkOf(fd).startsWith('socket:') || isListening(fd)) continue;
    const path = boundPath(fd);
    // in '/' C has two slashes
    if (path !== '' && dirname(path).replace(/^\/+/, '/') === directory) libc().close(fd);
  }
}

export function isEventSet(fd: number): boolean {
  return linkOf(fd) === 'anon_inode:[eventpoll]';
}

/** What a descriptor is; '' for one that is not open. */
function linkOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
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
