import { fstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { Socket as NodeSocket } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { errno } from '../ffi/ioth.js';
import { libc } from '../ffi/libc.js';
import { PollHandle, READABLE } from '../ffi/poll.js';
import type { CommandPipe } from './command-pipe.js';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from './constants.js';
import { systemError } from './errors.js';
import { waitSync } from './wait-sync.js';

/** How long C waits for the daemon's answer, in milliseconds: a dead one holds the loop up so long. */
const PATIENCE = 2;
/**
 * The same while code of C asks by itself: it takes a time limit for a failure, and leaves the answer in the pipe, where the
 * next call takes it for its own.
 */
const PATIENCE_OF_C = 1000;
/** A daemon that lives and did not answer for so long is taken for dead, in milliseconds. */
const COMMAND_TIMEOUT = 10_000;

/**
 * The daemon of a vdestack: a clone of this process with memory of its own and our descriptor table. It carries packets
 * between the virtual network and a tap, and makes the sockets. It can be killed; C does not expect that.
 */
export class Daemon {
  /** The inode of its network namespace: taps tell theirs too. */
  readonly namespace: number;
  readonly #pidfd: number;
  #watch: PollHandle | undefined;
  #wire: DeathWire | undefined;
  #released = false;

  /**
   * @param pipe the command pipe, where it is known
   * @param onDeath called once, from the loop, when the process ends before {@link release}
   */
  constructor(
    readonly pid: number,
    readonly pipe: CommandPipe | undefined,
    onDeath: () => void,
  ) {
    this.#pidfd = libc().pidfd_open(pid, 0);
    if (this.#pidfd < 0) throw systemError(errno(), 'pidfd_open');
    try {
      this.namespace = statSync(`/proc/${pid}/ns/net`).ino;
      pipe?.setPatience(PATIENCE);
      this.#watch = this.#watchFor(onDeath);
      if (!isMainThread) this.#wire = new DeathWire(pid);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Whether the process runs, asked of the kernel now. */
  get alive(): boolean {
    return !this.#released && !waitSync(this.#pidfd, READABLE, 0);
  }

  /** Readable when the process ended; -1 after {@link release}. */
  get pidfd(): number {
    return this.#released ? -1 : this.#pidfd;
  }

  /** How often a call was tried: a daemon that was slow gets more time. Whether code of C asks by itself meanwhile. */
  setAttempt(attempt: number, isLent: boolean): void {
    const patience = Math.min(PATIENCE * 2 ** attempt, COMMAND_TIMEOUT);
    this.pipe?.setPatience(isLent ? Math.max(patience, PATIENCE_OF_C) : patience);
  }

  /** For one that died: code of C that waits for its answer has one, and waits no more for those to come. */
  refuseSockets(): void {
    this.pipe?.setPatience(PATIENCE);
    this.pipe?.refuse();
  }

  /** Waits for the answer to a call of ioth_msocket(3) that timed out; false where none will come. */
  settleTimeout(): boolean {
    const deadline = performance.now() + COMMAND_TIMEOUT;
    while (this.alive && performance.now() < deadline) {
      if (this.pipe?.discardAnswer(PATIENCE)) return true;
    }
    return false;
  }

  /** Ends it at once. Its descriptors stay: see {@link closeLeftovers}. */
  kill(): void {
    if (!this.alive) return;
    try {
      process.kill(this.pid, 'SIGKILL');
    } catch {
      // it ended meanwhile
    }
  }

  /** Ends the watch. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#watch?.close();
    libc().close(this.#pidfd);
    this.#wire?.close();
  }

  /** Closes what the daemon left open in our descriptor table if it was killed: its end of the pipe and its taps. */
  closeLeftovers(): void {
    if (this.pipe?.closeDaemonsEnd() === false) return;
    for (const fd of leaveToTheirNamespaces([this])) libc().close(fd);
  }

  #watchFor(onDeath: () => void): PollHandle {
    const watch = new PollHandle(this.#pidfd, READABLE, () => {
      watch.watch(0);
      // what the poll callback throws is lost: an 'error' event that nobody listens to must not be
      setImmediate(() => {
        if (!this.#released) onDeath();
      });
    });
    return watch;
  }
}

/** Kills the daemons of a process that ends, and makes that its taps don't hold the end up. */
export function killAll(daemons: readonly Daemon[]): void {
  if (daemons.length === 0) return;
  for (const daemon of daemons) daemon.kill();
  leaveToTheirNamespaces(daemons);
}

/**
 * Kills the daemon of a stack that a worker made when worker.terminate() ends the worker: no JavaScript runs then, but Node
 * closes the streams of the worker, and the kernel signals the owner of the other end.
 */
class DeathWire {
  readonly #stream: NodeSocket;
  readonly #armed: number;

  constructor(pid: number) {
    const F_SETFL = 4;
    const F_SETOWN = 8;
    const F_SETSIG = 10;
    const O_ASYNC = 0o20000;
    const SIGKILL = 9;
    const pair = new Int32Array(2);
    if (libc().socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, new Uint8Array(pair.buffer)) < 0) {
      throw systemError(errno(), 'socketpair');
    }
    const [held = -1, armed = -1] = pair;
    this.#armed = armed;
    libc().fcntl(armed, F_SETOWN, pid);
    libc().fcntl(armed, F_SETSIG, SIGKILL);
    libc().fcntl(armed, F_SETFL, O_ASYNC);
    this.#stream = new NodeSocket({ fd: held, readable: false, writable: false });
    this.#stream.unref();
  }

  /** Disarms it: the armed end goes first. */
  close(): void {
    libc().close(this.#armed);
    this.#stream.destroy();
  }
}

// the first array of ports of libvdeplug's switch, and how many blocks glibc keeps for a thread
const PORTS_SIZE = 32;
const CACHED_BLOCKS = 7;

/**
 * Call it just before the clone. If another thread holds malloc's lock at that moment, the lock stays taken in the clone for
 * ever, and its first malloc, when a peer joins its switch, does not return. Blocks of the size that it will want are put
 * into this thread's cache, from which malloc takes them without the lock.
 */
export function prepareMallocForClone(): void {
  const blocks = Array.from({ length: CACHED_BLOCKS }, () => libc().malloc(PORTS_SIZE));
  for (const block of blocks) libc().free(block);
}

/** The lowest free descriptor numbers: `count`, or as many as there are. */
export function freeDescriptors(count: number): number[] {
  const found: number[] = [];
  for (let fd = 0; found.length < count; found.push(fd)) {
    fd = libc().dup(2);
    if (fd < 0) break;
  }
  for (const fd of found) libc().close(fd);
  return found;
}

// of linux/if_tun.h. The first gives a descriptor of the network namespace that a tap is in.
const TUNGETDEVNETNS = 0x54e3;
const TUNSETPERSIST = 0x400454cb;

/**
 * The kernel removes a tap when its descriptor is closed, which takes 20 ms each, one after the other: fifty stacks would
 * keep their process from ending for a second. A persistent tap stays for its namespace to remove, in the background.
 * @returns the descriptors of the daemons' taps
 */
function leaveToTheirNamespaces(daemons: readonly Daemon[]): number[] {
  const namespaces = new Set(daemons.map(({ namespace }) => namespace));
  const taps = readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => linkOf(fd) === '/dev/net/tun' && namespaces.has(namespaceOfTap(fd)));
  for (const fd of taps) libc().ioctl(fd, TUNSETPERSIST, 1);
  return taps;
}

function namespaceOfTap(fd: number): number {
  const namespaceFd = libc().ioctl(fd, TUNGETDEVNETNS, 0);
  if (namespaceFd < 0) return -1;
  const { ino } = fstatSync(namespaceFd);
  libc().close(namespaceFd);
  return ino;
}

function linkOf(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}
