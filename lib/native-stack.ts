import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { errno, libioth, type StackPointer } from '../ffi/ioth.js';
import { CommandPipe } from './command-pipe.js';
import { SOCK_CLOEXEC, SOCK_NONBLOCK } from './constants.js';
import { Daemon, freeDescriptors, prepareMallocForClone } from './daemon.js';
import type { Descriptor } from './descriptor.js';
import { codeOf, IothError, systemError } from './errors.js';
import { endAtExit, ended, type Mortal } from './exit.js';
import type { Closable } from './forgotten.js';
import { closeOnExec, closeOnExecBeforeSpawn } from './inherit.js';
import { type Asked, msocket, settleTimeoutsOf } from './msocket.js';
import { if_nametoindex } from './netlink/index.js';
import { openError } from './open-error.js';
import { withSignalsBlocked } from './signals.js';
import { interfaceName, SwitchDirectory } from './vnl.js';

/** A daemon that was told to end and did not after so long is killed, in milliseconds. */
const STUCK_AFTER = 2000;
/** A call of C that did not return after so long, in milliseconds, never will. */
const LAST_CALL = 30_000;

/** A plugin, the networks to join and the names of the interfaces that join them. */
export interface StackSpec {
  /** As ioth_newstack(3) takes it: a name, then options behind a comma. */
  plugin: string;
  vnls: readonly string[];
}

/**
 * A `struct ioth *` and what belongs to it: the descriptors on it and, for a vdestack, its daemon.
 *
 * It ends once, in one of four ways: closed, forgotten, with the process, or dead because somebody killed its daemon.
 * After that no call of C gets the pointer.
 */
export class NativeStack implements Mortal, Closable, Asked {
  /** The sockets that are open on it. */
  readonly descriptors = new Set<Descriptor>();
  /** Whether its sockets are sockets of the kernel, for which every system call of the kernel works. */
  readonly hasKernelSockets: boolean;
  /** Called, from the loop, when the daemon died. Must not keep the Stack from being collected. */
  onDeath: ((error: IothError) => void) | undefined;
  /** How long a wait asks again before it sleeps, in microseconds. */
  busyPollUsecs = 0;
  #pointer: StackPointer | null;
  #daemon: Daemon | undefined;
  #isDead = false;
  /** Code of C that works on it by itself. */
  #lent = 0;
  #onTakenBack: (() => void) | undefined;
  // the process ends, and its descriptors with it
  #keepsDescriptors = false;
  #end: Promise<void> | undefined;
  readonly #switches: SwitchDirectory[];
  #referenced = true;

  private constructor(
    readonly spec: StackSpec,
    pointer: StackPointer,
  ) {
    this.#pointer = pointer;
    this.hasKernelSockets = /^(vdestack|kernel)(_n)?$/.test(baseName(spec.plugin));
    this.#switches = spec.vnls.map((vnl) => SwitchDirectory.of(vnl)).filter((found) => found !== undefined);
    if (this.#switches.length > 0) closeOnExecBeforeSpawn();
    endAtExit(this);
  }

  /**
   * ioth_newstackv(3).
   * @throws {IothError} ENOTSUP for a plugin that is not there, EPERM for one whose licence asks for a compatible one,
   * the error of vde_open(3) for a network that cannot be joined, ENODEV where C did not tell
   */
  static open(spec: StackSpec): NativeStack {
    const [firstFree] = freeDescriptors(1);
    if (firstFree === undefined) throw openFailure(EMFILE, spec);
    const childrenBefore = childrenOfThisThread();
    // the daemon is a clone that keeps Node's signal handlers, on the same pipe as ours: without a full mask, one Ctrl-C
    // would be one 'SIGINT' event a daemon; it keeps the mask that it is born with
    const [pointer, error] = withSignalsBlocked(() => {
      prepareMallocForClone();
      const made = libioth().newstackv(spec.plugin, [...spec.vnls, null]);
      return [made, made === null ? errno() : 0];
    });
    // libvdeplug opens descriptors that a spawned child would inherit
    closeOnExec(firstFree);
    if (pointer === null) throw openFailure(isShortOfDescriptors(spec) ? EMFILE : error, spec);
    const stack = new NativeStack(spec, pointer);
    try {
      const pid = childrenOfThisThread().find((child) => !childrenBefore.includes(child));
      if (pid !== undefined) stack.#watch(pid);
      stack.#checkInterfaces();
      return stack;
    } catch (failure) {
      const isShort = isShortOfDescriptors(spec);
      stack.closeSync();
      throw isShort ? openFailure(EMFILE, spec) : failure;
    }
  }

  /** Whether it has ended, or is about to. */
  get closed(): boolean {
    return this.#pointer === null;
  }

  /** The process id of a vdestack's daemon, else undefined. */
  get daemonPid(): number | undefined {
    return this.#daemon?.pid;
  }

  /** Whether the pending operations of its sockets keep the process alive. */
  get referenced(): boolean {
    return this.#referenced;
  }

  setRef(referenced: boolean): void {
    this.#referenced = referenced;
    for (const { readiness } of this.descriptors) readiness.setStackRef(referenced);
  }

  /**
   * The pointer for a call of C that `syscall` names in errors. With a dead daemon ioth_msocket(3) would wait for ever:
   * so the daemon is asked for each time, which also covers the time between its death and the event.
   * @throws {IothError} EBADF once closed, ERR_STACK_DEAD once the daemon is dead
   */
  pointer(syscall: string): StackPointer {
    this.checkAlive(syscall);
    if (this.#pointer === null) throw new IothError('EBADF', { syscall, hint: 'the stack is closed' });
    if (this.#daemon?.alive === false) this.#abandonDaemon(syscall);
    return this.#pointer;
  }

  /** @throws {IothError} ERR_STACK_DEAD once the daemon is known to be dead */
  checkAlive(syscall: string): void {
    if (this.#isDead) throw this.#deathError(syscall);
  }

  /** For code of C that works on it by itself, on a thread of its own: call what it answers when that is done. */
  lend(): () => void {
    this.#lent++;
    this.setAttempt(0);
    return () => {
      this.#lent--;
      // once the pointer is given up the pipe may be closed, and its number another's
      if (this.#pointer !== null) this.setAttempt(0);
      if (this.#lent === 0) this.#onTakenBack?.();
    };
  }

  /** ioth_msocket(3): a non-blocking descriptor, closed on exec. */
  msocket(family: number, type: number, proto: number): number {
    const pointer = this.pointer('socket');
    const flags = this.hasKernelSockets ? SOCK_NONBLOCK | SOCK_CLOEXEC : 0;
    const [fd, error] = msocket(pointer, family, type | flags, proto);
    if (fd < 0) {
      throw systemError(error, 'socket', { hint: SOCKET_HINTS[codeOf(error)] });
    }
    if (!flags) makeNonBlocking(fd);
    return fd;
  }

  /** Closes its sockets, then ioth_delstack(3) on a worker thread: for a vdestack it waits about 35 ms. */
  close(): Promise<void> {
    this.#end ??= this.#orAgain(this.#close());
    return this.#end;
  }

  /** The same, blocking. */
  closeSync(): void {
    const pointer = this.#release(stackWasClosed);
    if (pointer !== null) this.#deleteSync(pointer);
  }

  closeForgotten(): void {
    // a socket that was detached may be open still: the stack stays then, until the process ends
    this.close().catch(() => {});
  }

  get daemon(): Daemon | undefined {
    return this.#daemon;
  }

  endNow(): void {
    // stacks without a daemon are memory and descriptors of this process, and end with it
    if (isMainThread && !this.#daemon) return;
    // at the end of a worker thread the process and its descriptor table live on
    this.#keepsDescriptors = isMainThread;
    try {
      const pointer = this.#release(undefined);
      if (pointer !== null) this.#deleteSync(pointer);
    } catch {
      // detached sockets: they end with the process
    }
    // where close() is under way it will not come to this
    if (isMainThread) this.#removeSwitches();
  }

  setAttempt(attempt: number): void {
    this.#daemon?.setAttempt(attempt, this.#lent > 0);
  }

  settleTimeout(): void {
    if (!this.#daemon?.settleTimeout()) this.#abandonDaemon('socket');
  }

  #watch(pid: number): void {
    const pointer = this.pointer('ioth_newstack');
    this.#daemon = new Daemon(pid, this.hasKernelSockets ? CommandPipe.of(pointer, pid) : undefined, () => this.#die());
    settleTimeoutsOf(pointer, this);
  }

  async #close(): Promise<void> {
    const pointer = this.#release(stackWasClosed);
    if (pointer !== null) await this.#delete(pointer);
  }

  /** Makes that close() tries again after a failure. */
  #orAgain(end: Promise<void>): Promise<void> {
    return end.catch((error) => {
      this.#end = undefined;
      throw error;
    });
  }

  #deleteSync(pointer: StackPointer): void {
    if (libioth().delstack(pointer) !== 0) throw this.#reclaim(pointer, errno());
    this.#ended();
  }

  /** On a worker thread of libuv, where this is the main thread. */
  async #delete(pointer: StackPointer): Promise<void> {
    // a call of koffi that ends after its thread did aborts the process: a worker does without
    if (!isMainThread) return this.#deleteSync(pointer);
    await new Promise<void>((resolve, reject) => {
      const killer = setTimeout(() => this.#daemon?.kill(), STUCK_AFTER).unref();
      libioth().delstack_async(pointer, (failure, result) => {
        const error = result === 0 ? 0 : errno();
        clearTimeout(killer);
        if (failure) return reject(failure);
        if (result !== 0) return reject(this.#reclaim(pointer, error));
        this.#ended();
        return resolve();
      });
    });
  }

  /** Closes its sockets and gives the pointer up. Without `reason`, at the end of the process, nobody hears of it. */
  #release(reason: (() => Error) | undefined): StackPointer | null {
    for (const descriptor of this.descriptors) {
      if (reason) descriptor.close(reason);
      else descriptor.closeSilently();
    }
    const pointer = this.#pointer;
    this.#pointer = null;
    // the address may be another stack's as soon as C freed it
    if (pointer !== null) settleTimeoutsOf(pointer, undefined);
    return pointer;
  }

  #reclaim(pointer: StackPointer, error: number): IothError {
    this.#pointer = pointer;
    if (this.#daemon) settleTimeoutsOf(pointer, this);
    const hint =
      codeOf(error) === 'EBUSY' ? 'a socket that was detached is still open on it: close(fd) it first' : undefined;
    return systemError(error, 'ioth_delstack', { hint });
  }

  #ended(): void {
    if (!this.#keepsDescriptors) this.#daemon?.closeLeftovers();
    this.#daemon?.release();
    this.#removeSwitches();
    ended(this);
  }

  #removeSwitches(): void {
    for (const directory of this.#switches) {
      if (!this.#keepsDescriptors) directory.closeDescriptors();
      directory.remove();
    }
  }

  #die(): void {
    if (this.#isDead || this.#pointer === null) return;
    this.#isDead = true;
    if (this.#lent > 0) this.#daemon?.refuseSockets();
    const error = this.#deathError('vdestack');
    const pointer = this.#release(() => this.#deathError('vdestack'));
    const told = new Promise<void>((done) => {
      setImmediate(() => {
        done();
        this.onDeath?.(error);
      });
    });
    // 'error' comes before 'close'
    this.#end = this.#orAgain(
      Promise.all([pointer && this.#takenBack().then(() => this.#delete(pointer)), told]).then(() => {}),
    );
    // where a detached socket keeps it, the caller's close() says so
    this.#end.catch(() => {});
  }

  /** When no code of C works on it any more: what it works with would be freed. */
  async #takenBack(): Promise<void> {
    if (this.#lent === 0) return;
    const last = new Promise<void>((done) => {
      this.#onTakenBack = done;
    });
    await Promise.race([last, delay(LAST_CALL, undefined, { ref: false })]);
  }

  #abandonDaemon(syscall: string): never {
    this.#daemon?.kill();
    this.#die();
    throw this.#deathError(syscall);
  }

  #deathError(syscall: string): IothError {
    return new IothError('ERR_STACK_DEAD', {
      syscall,
      hint: `the stack's daemon (process ${this.#daemon?.pid}) died: close the stack and make a new one`,
    });
  }

  // a network that could not be joined, or a name that the kernel refused, is seen only by what is missing
  #checkInterfaces(): void {
    this.spec.vnls.forEach((vnl, position) => {
      const ifname = interfaceName(vnl, position);
      try {
        if_nametoindex(this.pointer('ioth_newstack'), ifname);
      } catch (cause) {
        if (!(cause instanceof IothError && cause.code === 'ENODEV')) throw cause;
        throw new IothError('ENODEV', {
          syscall: 'ioth_newstack',
          address: vnl,
          hint: `the network could not be joined: the stack has no interface ${ifname}`,
          cause,
        });
      }
    });
  }
}

const stackWasClosed = () => new IothError('ECANCELED', { hint: 'the stack was closed' });

/** 'vdestack' of 'vdestack,options'. */
export function baseName(plugin: string): string {
  return plugin.split(',', 1)[0] ?? plugin;
}

const EMFILE = 24;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const F_SETFL = 4;

/** What SOCK_NONBLOCK | SOCK_CLOEXEC do, where a socket came without. The stack itself must hear it. */
export function makeNonBlocking(fd: number): void {
  const c = libioth();
  // of the flags that F_SETFL sets, a new descriptor has none
  c.fcntl(fd, F_SETFL, SOCK_NONBLOCK);
  c.fcntl(fd, F_SETFD, FD_CLOEXEC);
}

function openFailure(error: number, { plugin, vnls }: StackSpec): IothError {
  return openError(error, baseName(plugin), vnls);
}

/**
 * Whether a stack may have failed for want of descriptors, which C calls by many names: a plugin of libvdeplug that cannot
 * be opened is EPROTONOSUPPORT, a tap that cannot be is nothing at all.
 */
function isShortOfDescriptors({ vnls }: StackSpec): boolean {
  const enough = 5 + 2 * vnls.length;
  return freeDescriptors(enough).length < enough;
}

function childrenOfThisThread(): number[] {
  return readFileSync('/proc/thread-self/children', 'latin1').split(' ').filter(Boolean).map(Number);
}

const SOCKET_HINTS: Partial<Record<string, string>> = {
  EACCES: 'raw and packet sockets of the kernel stack need CAP_NET_RAW',
  EPERM: 'raw and packet sockets of the kernel stack need CAP_NET_RAW',
  EAFNOSUPPORT: 'the stack has no such address family',
  EMFILE: 'the process is out of descriptors: close some, or raise ulimit -n',
  EPROTONOSUPPORT: 'the stack has no such protocol in this family',
  ESOCKTNOSUPPORT: 'the stack has no such type in this family',
};
