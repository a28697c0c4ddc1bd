import { isMainThread } from 'node:worker_threads';
import { libioth, type StackPointer } from '../../ffi/ioth.js';
import { errno } from '../../ffi/libc.js';
import { readSocketCount } from '../../ffi/vdestack.js';
import { SOCK_CLOEXEC, SOCK_NONBLOCK } from '../constants/socket.js';
import { codeOf, EBUSY } from '../core/errno.js';
import { IothError, systemError } from '../core/errors.js';
import type { Closable } from '../core/finalization.js';
import { runNativeAsync } from '../io/async-calls.js';
import { msocket, type ReplyTimeoutHandler, setReplyTimeoutHandler } from '../io/msocket.js';
import { closeOnExec, makeNonBlocking } from '../io/open-descriptor.js';
import { closeIdleEventSet, holdEventSet } from '../io/poll-handle.js';
import { Programs } from '../programs/programs.js';
import { adopt } from '../socket/adopt.js';
import type { Descriptor } from '../socket/descriptor.js';
import { busyHint, uncountClosed, unregisterDetachedOf, withOwnNumber } from '../socket/detached.js';
import { canceled, type WaitEnd } from '../socket/operations/errors.js';
import type { DescriptorOwner } from '../socket/owner.js';
import { endCommands, endCommandsSync } from '../vde/end-commands.js';
import { OUT_OF_DESCRIPTORS } from '../vde/open.js';
import { closeAcceptedIn, findNode } from '../vde/switch/node-peers.js';
import { NodeWatch } from '../vde/switch/node-watch.js';
import { SwitchDirectory } from '../vde/switch/switch-directory.js';
import type { Wires } from '../wire/wires.js';
import { canServe, checkInterfaces, checkVdestack } from './daemon-check.js';
import { type EndSteps, endInOrder, endInOrderSync } from './end-steps.js';
import { type ExitCleanup, registerExitCleanup, unregisterExitCleanup } from './exit-cleanup.js';
import { type LingerLimits, linger, lingerLimits, lingerSync } from './linger.js';
import { NativeCalls } from './native-calls.js';
import { type NewStack, newstack, openNetwork } from './newstack.js';
import { PeerDescriptors } from './peer-descriptors.js';
import { chooseWire, hasKernelSockets, isPicox, type StackSpec } from './plugin.js';
import { resetConnections } from './reset-connections.js';
import type { Undelivered } from './undelivered.js';
import { Daemon, range } from './vdestack-daemon.js';
import { interfaceName, resolveVnl } from './vnl.js';
import wires from './wires.cjs';

/** Gives up after this many unusable daemons in a row. */
const MAX_ATTEMPTS = 50;

/**
 * The state of a stack. 'making': it is checked, and nothing uses it yet. 'open'. 'closing': its sockets are closed, and it will be
 * deleted; if that fails, it is open again. 'closed': it is deleted. 'dead': its daemon died; it stays dead after its deletion.
 */
type State = 'making' | 'open' | 'closing' | 'closed' | 'dead';

/**
 * A `struct ioth *` and what belongs to it: the descriptors on it and, for a vdestack, its daemon.
 *
 * It ends once, in one of four ways: it is closed, it is garbage collected, the process ends, or its daemon is killed. After that
 * no call of C gets the pointer.
 */
export class NativeStack implements ExitCleanup, Closable, ReplyTimeoutHandler, DescriptorOwner {
  /** The open sockets of the stack. */
  readonly descriptors = new Set<Descriptor>();
  /** Closes the handles of Node's that use it, which libioth does not count, at the end of the process. */
  closeUncounted: (() => void) | undefined;
  /** True if its sockets are sockets of the kernel. Then every system call of the kernel works on them. */
  readonly hasKernelSockets: boolean;
  readonly shutdownBase: number;
  /** Called from the event loop when the daemon died. Must not hold a strong reference to the Stack. */
  onDeath: ((error: IothError) => void) | undefined;
  /** The time that a wait busy polls before it sleeps, in microseconds. */
  busyPollUsecs = 0;
  /** True if the pending operations of its sockets keep the process alive: see {@link setRef}. */
  referenced = true;
  readonly #structure: StackPointer;
  readonly daemon: Daemon | undefined;
  readonly programs: Programs;
  readonly #commands: readonly number[];
  #state: State = 'making';
  readonly #nativeCalls = new NativeCalls();
  // true while the process ends, which closes its descriptors
  #keepsDescriptors = false;
  #end: Promise<void> | undefined;
  #switches: SwitchDirectory[] = [];
  /** What joins it to its networks, if it has no taps. */
  #wires: Wires | undefined;
  readonly #peers: PeerDescriptors[] = [];
  readonly #nodes: NodeWatch[] = [];

  private constructor(
    readonly spec: StackSpec,
    { pointer, daemonPid, commands, pipe, nodes }: NewStack,
  ) {
    this.#structure = pointer;
    this.hasKernelSockets = hasKernelSockets(spec.plugin);
    this.shutdownBase = isPicox(spec.plugin) ? 1 : 0;
    if (spec.wire !== 'veth') this.#noteSwitches(nodes);
    this.programs = new Programs(daemonPid);
    this.#commands = commands;
    registerExitCleanup(this);
    if (daemonPid === undefined) return;
    try {
      this.daemon = new Daemon(daemonPid, pipe, () => this.#die());
      setReplyTimeoutHandler(pointer, this);
    } catch (error) {
      this.closeSync();
      throw error;
    }
  }

  /**
   * Makes a stack: ioth_newstackv(3). Tries again if the new daemon cannot work.
   * @throws {IothError} as {@link newstack}; ENODEV if a network could not be joined and C did not report it
   */
  static open(given: StackSpec): NativeStack {
    const spec = { ...given, vnls: given.vnls.map(resolveVnl), wire: chooseWire(given) };
    // what is allocated before the clone is not copied after it
    const release = holdEventSet();
    try {
      for (let attempt = 1; ; attempt++) {
        const made = newstack(spec);
        const stack = new NativeStack(spec, made);
        try {
          stack.#check(made.firstFd);
          stack.#state = 'open';
          return stack;
        } catch (failure) {
          stack.closeSync(lingerLimits({ linger: 0 }));
          const isDaemonUseless = failure instanceof IothError && failure.code === 'ERR_STACK_DEAD';
          if (!isDaemonUseless || attempt === MAX_ATTEMPTS) throw failure;
        }
      }
    } finally {
      release();
    }
  }

  /** @throws {IothError} ERR_STACK_DEAD if the daemon cannot work; ENODEV if a network was not joined */
  #check(firstFd: number): void {
    const { vnls, wire } = this.spec;
    if (vnls.length === 0) return;
    const daemon = this.daemon;
    if (daemon && wire === 'veth') {
      this.#joinByWires(daemon, firstFd);
      return;
    }
    if (!daemon?.pipe) {
      checkInterfaces(this.#structure, vnls);
      return;
    }
    const [namespace, afterTaps] = checkVdestack(this.#structure, vnls);
    daemon.locateTaps(namespace, firstFd, afterTaps, vnls.length);
    for (const { path } of this.#switches) {
      const node = findNode(path, range(firstFd, afterTaps));
      if (node !== undefined) this.#nodes.push(new NodeWatch(node, daemon));
      if (!canServe(daemon, path)) this.#abandonDaemon('ioth_newstack');
      this.#peers.push(new PeerDescriptors(path));
    }
  }

  #joinByWires(daemon: Daemon, firstFd: number): void {
    const { vnls } = this.spec;
    // in tsx the room has its own copy of msocket.ts, which does not know whom to ask if the daemon is slow
    const done = this.beginNativeCall();
    try {
      this.#wires = wires().Wires.join({
        stack: this.#structure,
        interfaces: vnls.map(interfaceName),
        open: (position) => openNetwork(vnls[position] as string),
        onFailure: () => daemon.kill(),
      });
    } finally {
      done();
    }
    daemon.carrier = this.#wires;
    closeOnExec(firstFd);
    this.#noteSwitches(this.spec.vnls);
    for (const { path } of this.#switches) this.#peers.push(new PeerDescriptors(path));
  }

  #noteSwitches(vnls: readonly string[]): void {
    this.#switches = vnls.map((vnl) => SwitchDirectory.of(vnl)).filter((found) => found !== undefined);
  }

  /** True if it has ended, or is about to. */
  get closed(): boolean {
    if (this.#state === 'dead') return this.#end !== undefined;
    return this.#state === 'closing' || this.#state === 'closed';
  }

  get #isUsable(): boolean {
    return this.#state === 'making' || this.#state === 'open';
  }

  setRef(referenced: boolean): void {
    this.referenced = referenced;
    for (const { readiness } of this.descriptors) readiness.setStackRef(referenced);
  }

  /**
   * Returns the pointer for a call of C that `syscall` names in errors. ioth_msocket(3) would wait for ever for a dead daemon. So
   * each call checks the daemon, which also covers the time between its death and the event.
   * @throws {IothError} EBADF once closed, ERR_STACK_DEAD once the daemon is dead
   */
  pointer(syscall: string): StackPointer {
    this.checkAlive(syscall);
    if (this.closed) throw new IothError('EBADF', { syscall, hint: 'the stack is closed' });
    if (this.daemon?.alive === false) this.#abandonDaemon(syscall);
    return this.#structure;
  }

  /** @throws {IothError} ERR_STACK_DEAD once the daemon is known to be dead */
  checkAlive(syscall: string): void {
    if (this.#state === 'dead') throw this.#deathError(syscall);
  }

  /** Notes that C code uses the stack directly, on a thread of its own. Returns a function to call when that code is done. */
  beginNativeCall(): () => void {
    this.#nativeCalls.begin();
    this.setAttempt(0);
    return () => {
      this.#nativeCalls.end();
      // after the stack has ended, the pipe may be closed, and its number reused
      if (this.#isUsable) this.setAttempt(0);
    };
  }

  /** Makes a non-blocking, close-on-exec socket: ioth_msocket(3). Returns its descriptor. */
  msocket(family: number, type: number, proto: number): number {
    const pointer = this.pointer('socket');
    const flags = this.hasKernelSockets ? SOCK_NONBLOCK | SOCK_CLOEXEC : 0;
    const [fd, error] = msocket(pointer, family, type | flags, proto);
    if (fd < 0) {
      throw systemError(error, 'socket', { hint: SOCKET_HINTS[codeOf(error)] });
    }
    if (!flags) makeNonBlocking(fd);
    return withOwnNumber(fd, () => this.msocket(family, type, proto));
  }

  /** Takes a descriptor that `socket.detach` gave up. */
  adopt(fileno: number): number {
    this.pointer('socket');
    return adopt(fileno, this);
  }

  /**
   * Closes its sockets, waits until their peers have what was sent, then deletes the stack (ioth_delstack(3)). The event loop
   * keeps running.
   */
  close(limits = lingerLimits()): Promise<void> {
    this.#end ??= this.#retryable(endInOrder(this.#closing(limits)));
    return this.#end;
  }

  /** Closes it as {@link close}, but blocks the thread. */
  closeSync(limits = lingerLimits()): void {
    if (!this.closed) endInOrderSync(this.#closing(limits));
  }

  closeFromFinalizer(): void {
    // a detached socket may still be open: then the stack stays until the process ends
    Promise.resolve(this.programs.end())
      .then(() => this.close())
      .catch(() => {});
  }

  /** The pidfd of a vdestack's daemon, readable once it is dead; else -1. */
  get deathFd(): number {
    return this.daemon?.pidfd ?? -1;
  }

  reset(connections: readonly Undelivered[]): void {
    try {
      resetConnections(this.#structure, connections);
    } catch {
      // the daemon has just died
    }
  }

  closeSocketsSilently(): void {
    // when a worker thread ends, the process and its descriptor table live on
    this.#keepsDescriptors = isMainThread;
    try {
      this.closeUncounted?.();
      for (const descriptor of this.descriptors) descriptor.closeSilently();
    } catch {
      // they end with the process
    }
  }

  cleanupSync(): void {
    // stacks without a daemon are memory and descriptors of this process, and end with it
    if (isMainThread && !this.daemon) return;
    try {
      this.#closeSockets(undefined);
      // a running close() does not get to this: the process ends first
      if (this.#state !== 'closed') endInOrderSync(this.#deletion());
    } catch {
      // detached sockets: they end with the process
      this.#removeSwitches();
    }
  }

  get commands(): readonly number[] {
    return [...this.#commands, ...(this.#wires?.commands ?? [])];
  }

  setAttempt(attempt: number): void {
    this.daemon?.setAttempt(attempt, this.#nativeCalls.areRunning);
  }

  onReplyTimeout(): void {
    if (!this.daemon?.onReplyTimeout()) this.#abandonDaemon('socket');
  }

  *#closing(limits: LingerLimits): EndSteps {
    if (this.#state === 'closed') return;
    this.#closeSockets(stackWasClosed);
    yield [{ end: () => linger(this, limits), endSync: () => lingerSync([this], limits) }];
    yield [{ end: () => this.#delete(), endSync: () => endInOrderSync(this.#deletion()) }];
  }

  *#deletion(): EndSteps {
    this.#checkUnused();
    setReplyTimeoutHandler(this.#structure, undefined);
    yield [this.#wires];
    // the slow part of ioth_delstack(3) is the end of the daemon
    yield [this.daemon, ...(this.#keepsDescriptors ? [] : this.#peers)];
    yield [{ end: () => endCommands(this.#commands), endSync: () => endCommandsSync(this.#commands) }];
    this.#closePeers();
    // a plugin without a daemon may block
    const end = () => (this.daemon ? void this.#delstackSync() : this.#delstack());
    yield [{ end, endSync: () => this.#delstackSync() }];
    this.#ended();
  }

  async #delete(): Promise<void> {
    // worker.terminate() would leave the work half done
    if (isMainThread) await endInOrder(this.#deletion());
    else endInOrderSync(this.#deletion());
  }

  /** Lets close() try again after a failure. */
  #retryable(end: Promise<void>): Promise<void> {
    return end.catch((error) => {
      this.#end = undefined;
      throw error;
    });
  }

  /** Deletes it on a thread of libuv. */
  async #delstack(): Promise<void> {
    const call = await runNativeAsync<number>((done) => libioth().delstack_async(this.#structure, done));
    if (call.result !== 0) throw this.#reopen(call.errno);
  }

  #delstackSync(): void {
    if (libioth().delstack(this.#structure) !== 0) throw this.#reopen(errno());
  }

  /** Fails if sockets are open, as ioth_delstack(3) does: the daemon must not be ended before that is known. */
  #checkUnused(): void {
    const count = () => (this.daemon?.pipe ? readSocketCount(this.#structure) : undefined);
    if (count() !== 0) uncountClosed(this);
    if (count()) throw this.#reopen(EBUSY);
  }

  /** Closes its sockets. Without `reason`, at exit, nothing is reported. */
  #closeSockets(reason: WaitEnd | undefined): void {
    for (const descriptor of this.descriptors) {
      if (reason) descriptor.close(reason);
      else descriptor.closeSilently();
    }
    if (this.#isUsable) this.#state = 'closing';
  }

  #reopen(error: number): IothError {
    if (this.#state === 'closing') this.#state = 'open';
    if (this.daemon) setReplyTimeoutHandler(this.#structure, this);
    return systemError(error, 'ioth_delstack', { hint: error === EBUSY ? busyHint(this) : undefined });
  }

  #ended(): void {
    if (this.#state !== 'dead') this.#state = 'closed';
    this.#end ??= Promise.resolve();
    unregisterDetachedOf(this);
    if (!this.#keepsDescriptors) this.daemon?.closeLeftovers();
    this.daemon?.release();
    this.#removeSwitches();
    unregisterExitCleanup(this);
    // its sockets may have left the set open for others
    closeIdleEventSet();
  }

  /** Closes what the ended daemon opened for the peers of its switches: it is in our table, and C does not know of it. */
  #closePeers(): void {
    if (this.#keepsDescriptors) return;
    for (const node of this.#nodes) node.close();
    for (const { path } of this.#switches) closeAcceptedIn(path);
  }

  #removeSwitches(): void {
    for (const directory of this.#switches) directory.remove();
  }

  #die(): void {
    if (!this.#isUsable) return;
    this.#state = 'dead';
    if (this.#nativeCalls.areRunning) this.daemon?.refuseSockets();
    const error = this.#deathError('vdestack');
    this.#closeSockets(() => this.#deathError('vdestack'));
    const reported = new Promise<void>((done) => {
      setImmediate(() => {
        done();
        this.onDeath?.(error);
      });
    });
    // 'error' comes before 'close', and does not wait for the deletion
    this.#end = this.#retryable(reported.then(() => this.#nativeCalls.ended()).then(() => this.#delete()));
    // if a detached socket prevents the deletion, the caller's close() reports it
    this.#end.catch(() => {});
  }

  #abandonDaemon(syscall: string): never {
    this.daemon?.kill();
    // before the checks passed, there is no listener
    if (this.#state !== 'making') this.#die();
    throw this.#deathError(syscall);
  }

  #deathError(syscall: string): IothError {
    return new IothError('ERR_STACK_DEAD', {
      syscall,
      hint: `the stack's daemon (process ${this.daemon?.pid}) died: close the stack and make a new one`,
    });
  }
}

const stackWasClosed = canceled('the stack was closed');

const SOCKET_HINTS: Partial<Record<string, string>> = {
  EACCES: 'raw and packet sockets of the kernel stack need CAP_NET_RAW',
  EPERM: 'raw and packet sockets of the kernel stack need CAP_NET_RAW',
  EAFNOSUPPORT: 'the stack has no such address family',
  EMFILE: OUT_OF_DESCRIPTORS,
  EPROTONOSUPPORT: 'the stack has no such protocol in this family',
  ESOCKTNOSUPPORT: 'the stack has no such type in this family',
};
