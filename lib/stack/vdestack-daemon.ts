import { fstatSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

import { errno, libc } from '../../ffi/libc.js';
import { systemError } from '../core/errors.js';
import { PollHandle, READABLE } from '../io/poll-handle.js';
import { waitSync } from '../io/poll-sync.js';
import type { NodeServer } from '../vde/node-peers.js';
import type { CommandPipe } from './command-pipe.js';
import { KillOnWorkerExit } from './kill-on-worker-exit.js';
import { readProcFile } from './proc-file.js';
import { stateOfProcess } from './process-state.js';

/** How long C waits for the daemon's answer, in milliseconds: a dead one blocks the loop for so long. */
const REPLY_TIMEOUT_MS = 2;
/**
 * The same while code of C asks by itself: it takes a time limit for a failure, and leaves the answer in the pipe, where the
 * next call takes it for its own.
 */
const NATIVE_REPLY_TIMEOUT_MS = 1000;
/** How long a wait for the daemon goes on before it looks what the daemon does. */
const LOOK_INTERVAL_MS = 5;
const SPARE_NUMBERS = 32;
/** The last resort: a daemon that neither runs nor answers for so long is taken for dead. */
const DAEMON_TIMEOUT_MS = 10_000;
/** Where its calls are not known: one that has something to read has done so after so long. */
const SLOW_READS_MS = 1000;
/** A daemon that is to end, and sleeps, is killed after so long. */
const END_TIMEOUT_MS = 2000;

/**
 * The daemon of a vdestack: a clone of this process with memory of its own and our descriptor table. It carries packets
 * between the virtual network and a tap, and makes the sockets. It can be killed; C does not expect that.
 *
 * The clone keeps the locks that other threads of ours held, and nobody releases them there: when it takes one it waits for
 * ever, in futex(2). As it has one thread, any wait for a lock is such a wait.
 */
export class Daemon implements NodeServer {
  readonly #pidfd: number;
  #tapNumbers: readonly [first: number, end: number] = [0, 0];
  #foundTaps: readonly number[] | undefined;
  /** The inode of its network namespace, by which its taps are known. */
  #namespace = -1;
  #watch: PollHandle | undefined;
  #killOnWorkerExit: KillOnWorkerExit | undefined;
  #released = false;
  #onEnd: (() => void) | undefined;

  /**
   * @param pipe the command pipe, where it is known
   * @param onDeath called once, from the loop, when the process ends before {@link end} or {@link release}
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

  /** Whether the process runs, asked of the kernel now. */
  get alive(): boolean {
    return !this.#released && !waitSync(this.#pidfd, READABLE, 0);
  }

  isAsleep(): boolean {
    return stateOfProcess(this.pid) === 'asleep';
  }

  /** How many calls of read(2) it made: proc_pid_io(5). Where that is not known, a figure that grows more slowly. */
  readCalls(): number {
    const calls = /^syscr: (\d+)/m.exec(readProcFile(this.pid, 'io'))?.[1];
    return calls === undefined ? performance.now() / SLOW_READS_MS : Number(calls);
  }

  /** Readable when the process ended; -1 after {@link release}. */
  get pidfd(): number {
    return this.#released ? -1 : this.#pidfd;
  }

  /** How often a call was tried: a daemon that was slow gets more time. Whether code of C asks by itself meanwhile. */
  setAttempt(attempt: number, hasNativeCalls: boolean): void {
    const timeout = Math.min(REPLY_TIMEOUT_MS * 2 ** attempt, DAEMON_TIMEOUT_MS);
    this.pipe?.setReplyTimeout(hasNativeCalls ? Math.max(timeout, NATIVE_REPLY_TIMEOUT_MS) : timeout);
  }

  /** Of one that died: code of C that waits for a reply gets one, and does not wait for later ones. */
  refuseSockets(): void {
    this.pipe?.setReplyTimeout(REPLY_TIMEOUT_MS);
    this.pipe?.refuse();
  }

  /** Waits for the answer to a call of ioth_msocket(3) that timed out; false where none will come. */
  onReplyTimeout(): boolean {
    const { pipe } = this;
    return pipe !== undefined && this.awaitReply((milliseconds) => pipe.discardAnswer(milliseconds));
  }

  /**
   * Waits, blocking, until the daemon has done something: `wait` waits so many milliseconds for it. False where it never
   * will: it died, or waits for a lock, or rests or is stopped for longer than {@link DAEMON_TIMEOUT_MS}.
   */
  awaitReply(wait: (milliseconds: number) => boolean, limit = DAEMON_TIMEOUT_MS): boolean {
    const start = performance.now();
    while (!wait(LOOK_INTERVAL_MS)) {
      // what it did before it ended may still be there
      if (!this.alive) return wait(0);
      if (this.#isStuck(performance.now() - start, limit)) return wait(0);
    }
    return true;
  }

  /** Asks it to end, and waits until it did. One that does not is killed. */
  async end(): Promise<void> {
    if (this.#requestEnd()) return;
    const ended = new Promise<void>((resolve) => {
      this.#onEnd = resolve;
    });
    const start = performance.now();
    const looking = setInterval(() => this.#killIfStuck(performance.now() - start), 10 * LOOK_INTERVAL_MS);
    await ended;
    clearInterval(looking);
  }

  /** The same, blocking. */
  endSync(): void {
    if (this.#requestEnd()) return;
    if (!this.awaitReply((milliseconds) => waitSync(this.#pidfd, READABLE, milliseconds), END_TIMEOUT_MS)) this.kill();
    waitSync(this.#pidfd, READABLE, DAEMON_TIMEOUT_MS);
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
    this.#killOnWorkerExit?.close();
  }

  /** Whether packets of its stack wait for it to carry them. */
  get hasFrames(): boolean {
    return this.alive && this.#taps.some(isReadable);
  }

  /** The same, and whether one is under way. */
  get isCarrying(): boolean {
    return this.hasFrames || stateOfProcess(this.pid) === 'busy';
  }

  /**
   * Where its taps are, once it has made them: among the numbers from `first` on that are below `end`, or little above it:
   * a file that was open while they were made, and is closed since, leaves a number below theirs free.
   * @param namespace the inode of its network namespace
   */
  locateTaps(namespace: number, first: number, end: number): void {
    this.#namespace = namespace;
    this.#tapNumbers = [first, end + SPARE_NUMBERS];
  }

  /** The descriptors of its taps, in our table too. A tap is found by its namespace: few programs ever ask. */
  get #taps(): readonly number[] {
    const [first, end] = this.#tapNumbers;
    this.#foundTaps ??= Array.from({ length: end - first }, (_, i) => first + i).filter((fd) => this.#isTap(fd));
    return this.#foundTaps;
  }

  #isTap(fd: number): boolean {
    return namespaceOfTap(fd) === this.#namespace;
  }

  /** Closes what the daemon left open in our descriptor table if it was killed: its end of the pipe and its taps. */
  closeLeftovers(): void {
    if (this.pipe?.closeDaemonsEnd() === false) return;
    for (const fd of this.makeTapsPersistent()) libc().close(fd);
  }

  /**
   * The kernel removes a tap when its descriptor is closed, which takes 20 ms each, one after the other: fifty stacks would
   * keep their process from ending for a second. A persistent tap stays for its namespace to remove, in the background.
   * @returns the descriptors of the taps that are open
   */
  makeTapsPersistent(): number[] {
    // a daemon that ended by itself closed them: the numbers may be others' by now
    const open = this.#taps.filter((fd) => this.#isTap(fd));
    for (const fd of open) libc().ioctl(fd, TUNSETPERSIST, 1);
    return open;
  }

  /** True where it has ended already. */
  #requestEnd(): boolean {
    if (!this.alive) return true;
    if (this.pipe) this.pipe.shutdown();
    else this.kill();
    return false;
  }

  #isStuck(waited: number, limit: number): boolean {
    switch (stateOfProcess(this.pid)) {
      case 'busy':
        return false;
      case 'locked':
      case 'gone':
        return true;
      default:
        return waited > limit;
    }
  }

  #killIfStuck(waited: number): void {
    if (this.#isStuck(waited, END_TIMEOUT_MS)) this.kill();
  }

  #watchEnd(): PollHandle {
    const watch = new PollHandle(this.#pidfd, READABLE, () => {
      watch.watch(0);
      // what the poll callback throws is lost: an 'error' event that nobody listens to must not be
      setImmediate(() => {
        if (!this.#released) this.#onEnd?.();
      });
    });
    return watch;
  }
}

/** Kills the daemons of a process that ends, and makes that its taps don't hold the end up. */
export function killAll(daemons: readonly Daemon[]): void {
  for (const daemon of daemons) daemon.kill();
  for (const daemon of daemons) daemon.makeTapsPersistent();
}

// of linux/if_tun.h. The first gives a descriptor of the network namespace that a tap is in.
const TUNGETDEVNETNS = 0x54e3;
const TUNSETPERSIST = 0x400454cb;
// the same of a socket: linux/sockios.h
const SIOCGSKNS = 0x894c;

/** Whether there is something to read; nothing where the daemon, which ends at this moment, has closed it. */
function isReadable(fd: number): boolean {
  try {
    return waitSync(fd, READABLE, 0);
  } catch {
    return false;
  }
}

/** The inode of the network namespace that a tap is in; -1 for a descriptor that is none. */
function namespaceOfTap(fd: number): number {
  return namespaceOf(fd, TUNGETDEVNETNS);
}

/** The inode of the network namespace that a socket is in. */
export function namespaceOfSocket(fd: number): number {
  return namespaceOf(fd, SIOCGSKNS);
}

function namespaceOf(fd: number, request: number): number {
  const namespaceFd = libc().ioctl(fd, request, 0);
  if (namespaceFd < 0) return -1;
  const { ino } = fstatSync(namespaceFd);
  libc().close(namespaceFd);
  return ino;
}
