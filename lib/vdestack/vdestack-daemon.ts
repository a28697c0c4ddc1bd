import { fstatSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

import { errno, libc } from '../../ffi/libc.js';
import { AF_UNIX, SO_DOMAIN, SO_TYPE, SOCK_DGRAM } from '../constants/socket.js';
import { systemError } from '../core/errors.js';
import { kill } from '../core/kill.js';
import { PollHandle, READABLE } from '../io/poll-handle.js';
import { waitSync } from '../io/poll-sync.js';
import { KillOnWorkerExit } from '../process/kill-on-worker-exit.js';
import { readProcFile } from '../process/proc-file.js';
import { stateOfProcess } from '../process/process-state.js';
import type { NodeServer } from '../vde/switch/node-peers.js';
import { type CommandPipe, socketOption } from './command-pipe.js';
import type { EndStep } from './end-steps.js';

/** The time that C waits for the daemon's answer, in milliseconds. A dead daemon blocks the event loop for this time. */
const REPLY_TIMEOUT_MS = 2;
/**
 * The timeout while C code uses the stack directly. That code treats a timeout as a failure and leaves the answer in the pipe,
 * where the next call would take it as its own.
 */
const NATIVE_REPLY_TIMEOUT_MS = 1000;
/** The time to wait for the daemon before checking its state. */
const LOOK_INTERVAL_MS = 5;
const SPARE_NUMBERS = 32;
/** The last resort: a daemon that neither runs nor answers for this long is treated as dead. */
const DAEMON_TIMEOUT_MS = 10_000;
/** If its read calls cannot be counted: a daemon with something to read is assumed to read it within this time. */
const SLOW_READS_MS = 1000;
/** A daemon that has to end, but sleeps for this long, is killed. */
const END_TIMEOUT_MS = 2000;

/**
 * The daemon of a vdestack: a clone of this process with memory of its own and our descriptor table. It carries packets between
 * the virtual network and a tap, and makes the sockets. It can be killed; C does not expect that.
 *
 * The clone keeps the locks that other threads of ours held, and no thread releases them there: if the daemon takes one, it waits
 * for ever, in futex(2). It has one thread, so any wait for a lock is such a wait.
 */
export class Daemon implements NodeServer, EndStep {
  readonly #pidfd: number;
  /** The descriptor numbers that its taps and plugs may have. */
  #numbers: readonly number[] = [];
  #foundTaps: readonly number[] | undefined;
  #foundPlugs: readonly number[] | undefined;
  /** What carries its frames in place of taps. */
  carrier: { readonly hasFrames: boolean } | undefined;
  /** The inode of its network namespace, which identifies its taps. */
  #namespace = -1;
  #tapCount = 0;
  #watch: PollHandle | undefined;
  #killOnWorkerExit: KillOnWorkerExit | undefined;
  #released = false;
  #onEnd: (() => void) | undefined;

  /**
   * @param pipe the command pipe, if it is known
   * @param onDeath called once, from the event loop, when the process ends before {@link end} or {@link release}
   */
  constructor(
    readonly pid: number,
    readonly pipe: CommandPipe | undefined,
    onDeath: () => void,
  ) {
    this.#pidfd = libc().pidfd_open(pid, 0);
    if (this.#pidfd < 0) throw systemError(errno(), 'pidfd_open');
    try {
      pipe?.setReplyTimeout(REPLY_TIMEOUT_MS);
      this.#onEnd = onDeath;
      this.#watch = this.#watchEnd();
      if (!isMainThread) this.#killOnWorkerExit = new KillOnWorkerExit(pid);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** True if the process runs. Asks the kernel each time. */
  get alive(): boolean {
    return !this.#released && !waitSync(this.#pidfd, READABLE, 0);
  }

  isAsleep(): boolean {
    return stateOfProcess(this.pid) === 'asleep';
  }

  /** Returns how many calls of read(2) it made: proc_pid_io(5). If that is unknown, a number that grows more slowly. */
  readCalls(): number {
    const calls = /^syscr: (\d+)/m.exec(readProcFile(this.pid, 'io'))?.[1];
    return calls === undefined ? performance.now() / SLOW_READS_MS : Number(calls);
  }

  /** A descriptor that is readable when the process has ended; -1 after {@link release}. */
  get pidfd(): number {
    return this.#released ? -1 : this.#pidfd;
  }

  /**
   * Sets the timeout of the next call. A slow daemon gets more time with each attempt.
   * @param attempt how often the call was tried before
   * @param hasNativeCalls whether C code uses the stack directly
   */
  setAttempt(attempt: number, hasNativeCalls: boolean): void {
    const timeout = Math.min(REPLY_TIMEOUT_MS * 2 ** attempt, DAEMON_TIMEOUT_MS);
    this.pipe?.setReplyTimeout(hasNativeCalls ? Math.max(timeout, NATIVE_REPLY_TIMEOUT_MS) : timeout);
  }

  /** Answers C code that waits for a reply of a dead daemon. Later calls do not wait. */
  refuseSockets(): void {
    this.pipe?.setReplyTimeout(REPLY_TIMEOUT_MS);
    this.pipe?.refuse();
  }

  /** Waits for the answer to a call of ioth_msocket(3) that timed out. Returns false if none will come. */
  onReplyTimeout(): boolean {
    const { pipe } = this;
    return pipe !== undefined && this.awaitReply((milliseconds) => pipe.discardAnswer(milliseconds));
  }

  /**
   * Waits, blocking, until the daemon has done something. `wait` waits for it, for the given milliseconds. Returns false if it
   * never will: it died, it waits for a lock, or it sleeps or is stopped for longer than {@link DAEMON_TIMEOUT_MS}.
   */
  awaitReply(wait: (milliseconds: number) => boolean, limit = DAEMON_TIMEOUT_MS): boolean {
    const start = performance.now();
    while (!wait(LOOK_INTERVAL_MS)) {
      // its last answer before it ended may still be there
      if (!this.alive) return wait(0);
      if (this.#isStuck(performance.now() - start, limit)) return wait(0);
    }
    return true;
  }

  /** Asks the daemon to end, and waits until it did. Kills a daemon that does not. */
  async end(): Promise<void> {
    if (this.#requestEnd()) return;
    const ended = new Promise<void>((resolve) => {
      this.#onEnd = resolve;
    });
    const start = performance.now();
    const looking = setInterval(() => {
      if (this.#isStuck(performance.now() - start, END_TIMEOUT_MS)) this.kill();
    }, 10 * LOOK_INTERVAL_MS);
    await ended;
    clearInterval(looking);
  }

  /** Ends the daemon as {@link end}, but blocks the thread. */
  endSync(): void {
    if (this.#requestEnd()) return;
    if (!this.awaitReply((milliseconds) => waitSync(this.#pidfd, READABLE, milliseconds), END_TIMEOUT_MS)) this.kill();
    waitSync(this.#pidfd, READABLE, DAEMON_TIMEOUT_MS);
  }

  /** Kills the daemon. Its descriptors stay: see {@link closeLeftovers}. */
  kill(): void {
    if (this.alive) kill(this.pid, 'SIGKILL');
  }

  /** Stops watching the daemon. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#watch?.close();
    libc().close(this.#pidfd);
    this.#killOnWorkerExit?.close();
  }

  /**
   * True if packets of its stack wait to be carried, or the switch has not read all carried ones. A switch drops the unread
   * frames of a peer that has gone.
   */
  get hasFrames(): boolean {
    return this.alive && (this.carrier?.hasFrames || this.#taps.some(isReadable) || this.#plugs.some(isUnread));
  }

  /** True if packets wait to be carried, or one is being carried. */
  get isCarrying(): boolean {
    return this.hasFrames || stateOfProcess(this.pid) === 'busy';
  }

  /**
   * Notes where its taps are, once it has made them: their numbers are from `first` on, and below `end` or a little above it. If
   * a file was open while the taps were made and is closed since, it leaves a free number below theirs.
   * @param namespace the inode of its network namespace
   * @param count the number of its taps
   */
  locateTaps(namespace: number, first: number, end: number, count: number): void {
    this.#namespace = namespace;
    this.#tapCount = count;
    this.#numbers = range(first, end + SPARE_NUMBERS);
  }

  /**
   * The descriptors of its taps, which are in our table too. They are found by namespace at the first use: few programs need
   * them.
   */
  get #taps(): readonly number[] {
    let left = this.#tapCount;
    this.#foundTaps ??= this.#numbers.filter((fd) => left > 0 && this.#isTap(fd) && left--);
    return this.#foundTaps;
  }

  /** The sockets by which it sends frames to switches, in our table too. */
  get #plugs(): readonly number[] {
    this.#foundPlugs ??= this.#numbers.filter(isPlug);
    return this.#foundPlugs;
  }

  #isTap(fd: number): boolean {
    return namespaceOf(fd, TUNGETDEVNETNS) === this.#namespace;
  }

  /** Closes what a killed daemon left open in our descriptor table: its end of the pipe and its taps. */
  closeLeftovers(): void {
    if (this.pipe?.closeDaemonsEnd() === false) return;
    for (const fd of this.makeTapsPersistent()) libc().close(fd);
  }

  /**
   * Makes the open taps persistent. The kernel removes a tap when its descriptor is closed, which takes 20 ms each, one after the
   * other, and the daemon does not end before. The namespace removes persistent taps in the background.
   * @returns the descriptors of the taps that are open
   */
  makeTapsPersistent(): number[] {
    // a daemon that ended by itself closed them: other files may have the numbers now
    const open = this.#taps.filter((fd) => this.#isTap(fd));
    for (const fd of open) libc().ioctl(fd, TUNSETPERSIST, 1);
    return open;
  }

  /** Asks the daemon to end. Returns true if it has already ended. */
  #requestEnd(): boolean {
    if (!this.alive) return true;
    if (this.pipe) {
      this.makeTapsPersistent();
      this.pipe.shutdown();
    } else this.kill();
    return false;
  }

  #isStuck(waited: number, limit: number): boolean {
    const state = stateOfProcess(this.pid);
    return state === 'locked' || state === 'gone' || (state !== 'busy' && waited > limit);
  }

  #watchEnd(): PollHandle {
    const watch = new PollHandle(this.#pidfd, READABLE, () => {
      watch.watch(0);
      // exceptions of the poll callback are lost: an 'error' event without a listener must still throw
      setImmediate(() => {
        if (!this.#released) this.#onEnd?.();
      });
    });
    return watch;
  }
}

/** Returns the numbers from `first` on, below `end`. */
export function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i);
}

/** Kills the daemons of a process that ends, and prevents their taps from delaying the end. */
export function killAll(daemons: readonly Daemon[]): void {
  for (const daemon of daemons) daemon.kill();
  for (const daemon of daemons) daemon.makeTapsPersistent();
}

// linux/if_tun.h. TUNGETDEVNETNS gives a descriptor of the network namespace that a tap is in
const TUNGETDEVNETNS = 0x54e3;
const TUNSETPERSIST = 0x400454cb;
// linux/sockios.h. SIOCGSKNS gives the network namespace of a socket; SIOCOUTQ how much is sent and not read
const SIOCOUTQ = 0x5411;
const SIOCGSKNS = 0x894c;

/** Returns whether there is something to read. False if the daemon is ending and has just closed it. */
function isReadable(fd: number): boolean {
  try {
    return waitSync(fd, READABLE, 0);
  } catch {
    return false;
  }
}

/** Returns whether it is a unix socket of datagrams. */
function isPlug(fd: number): boolean {
  return socketOption(fd, SO_TYPE) === SOCK_DGRAM && socketOption(fd, SO_DOMAIN) === AF_UNIX;
}

/** Returns whether the receiver of a unix socket's datagrams has not read all of them. */
function isUnread(fd: number): boolean {
  const bytes = new Int32Array(1);
  return libc().ioctl_into(fd, SIOCOUTQ, new Uint8Array(bytes.buffer)) === 0 && bytes[0] !== 0;
}

/** Returns the inode of the network namespace that a socket is in. */
export function namespaceOfSocket(fd: number): number {
  return namespaceOf(fd, SIOCGSKNS);
}

/** Returns the inode of the network namespace that an ioctl(2) gives; -1 for a descriptor of another kind. */
function namespaceOf(fd: number, request: number): number {
  const namespaceFd = libc().ioctl(fd, request, 0);
  if (namespaceFd < 0) return -1;
  const { ino } = fstatSync(namespaceFd);
  libc().close(namespaceFd);
  return ino;
}
