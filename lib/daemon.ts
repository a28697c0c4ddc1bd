import { fstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { Socket as NodeSocket } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { errno } from '../ffi/ioth.js';
import { libc } from '../ffi/libc.js';
import { PollHandle, READABLE } from '../ffi/poll.js';
import { AF_UNIX, SO_DOMAIN, SO_TYPE, SOCK_CLOEXEC, SOCK_SEQPACKET, SOCK_STREAM, SOL_SOCKET } from './constants.js';
import { systemError } from './errors.js';
import { waitSync } from './wait-sync.js';

/** The two ends of the pipe on which ioth_vdestack asks its daemon for sockets. */
export type CommandPipe = readonly [ours: number, daemons: number];

/**
 * The daemon of a vdestack: a clone of this process with memory of its own and our descriptor table. It carries packets
 * between the virtual network and a tap, and makes the sockets. It can be killed; C does not expect that.
 */
export class Daemon {
  readonly #pidfd: number;
  readonly #watch: PollHandle;
  readonly #namespace: number;
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
    this.#namespace = statSync(`/proc/${pid}/ns/net`).ino;
    this.#watch = new PollHandle(this.#pidfd, READABLE, () => {
      this.#watch.watch(0);
      // what the poll callback throws is lost: an 'error' event that nobody listens to must not be
      setImmediate(() => {
        if (!this.#released) onDeath();
      });
    });
    if (!isMainThread) this.#wire = new DeathWire(pid);
  }

  /** Whether the process runs, asked of the kernel now. */
  get alive(): boolean {
    return !this.#released && !waitSync(this.#pidfd, READABLE, 0);
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
    this.#watch.close();
    libc().close(this.#pidfd);
    this.#wire?.close();
  }

  /** Closes what a killed daemon left open in our descriptor table: its end of the pipe and its taps. */
  closeLeftovers(): void {
    if (this.pipe && isSeqpacketPair(this.pipe[1])) libc().close(this.pipe[1]);
    for (const fd of tapsOf(this.#namespace)) libc().close(fd);
  }
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

/** The two lowest free descriptor numbers: those that the next socketpair(2) gets. */
export function lowestFreeDescriptors(): CommandPipe | undefined {
  const pair = [libc().dup(2), libc().dup(2)] as const;
  for (const fd of pair) {
    if (fd >= 0) libc().close(fd);
  }
  return pair[0] >= 0 && pair[1] >= 0 ? pair : undefined;
}

/** The command pipe, if it is where it was expected: another thread may have taken the numbers. */
export function commandPipeAt(pair: CommandPipe | undefined): CommandPipe | undefined {
  return pair?.every(isSeqpacketPair) ? pair : undefined;
}

function isSeqpacketPair(fd: number): boolean {
  return socketOption(fd, SO_DOMAIN) === AF_UNIX && socketOption(fd, SO_TYPE) === SOCK_SEQPACKET;
}

function socketOption(fd: number, option: number): number | undefined {
  const value = new Int32Array(1);
  const bytes = new Uint8Array(value.buffer);
  return libc().getsockopt(fd, SOL_SOCKET, option, bytes, new Uint32Array([4])) < 0 ? undefined : value[0];
}

// TUNGETDEVNETNS of linux/if_tun.h: a descriptor of the network namespace that a tap is in
const TUNGETDEVNETNS = 0x54e3;

function tapsOf(namespace: number): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => linkOf(fd) === '/dev/net/tun' && namespaceOfTap(fd) === namespace);
}

function namespaceOfTap(fd: number): number | undefined {
  const namespaceFd = libc().ioctl(fd, TUNGETDEVNETNS);
  if (namespaceFd < 0) return undefined;
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
