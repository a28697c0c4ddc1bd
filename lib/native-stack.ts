import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { errno, libioth, type StackPointer } from '../ffi/ioth.js';
import { libc, SIG_BLOCK, SIG_SETMASK, SIGSET_SIZE } from '../ffi/libc.js';
import { pluginDirectories, pluginLicense, plugins } from '../ffi/loader.js';
import { SOCK_CLOEXEC, SOCK_NONBLOCK } from './constants.js';
import type { Descriptor } from './descriptor.js';
import { codeOf, IothError, systemError } from './errors.js';
import { if_nametoindex } from './netlink/index.js';

const EBUSY = 16;

/** A plugin, the networks to join and the names of the interfaces that join them. */
export interface StackSpec {
  /** As ioth_newstack(3) takes it: a name, then options behind a comma. */
  plugin: string;
  vnls: readonly string[];
}

/**
 * A `struct ioth *` and what belongs to it: the descriptors on it and, for a vdestack, its daemon (a clone of this
 * process that carries packets between the virtual network and a tap interface).
 */
export class NativeStack {
  /** The sockets that are open on it. */
  readonly descriptors = new Set<Descriptor>();
  /** The process id of a vdestack's daemon, else undefined. */
  readonly daemon: number | undefined;
  /** Whether its sockets are sockets of the kernel, for which every system call of the kernel works. */
  readonly hasKernelSockets: boolean;
  #pointer: StackPointer | null;

  private constructor(
    readonly spec: StackSpec,
    pointer: StackPointer,
    daemon: number | undefined,
  ) {
    this.#pointer = pointer;
    this.daemon = daemon;
    this.hasKernelSockets = /^(vdestack|kernel)(_n)?$/.test(baseName(spec.plugin));
  }

  /**
   * ioth_newstackv(3).
   * @throws {IothError} ENOTSUP for a plugin that is not there, EPERM for one whose licence asks for a compatible one,
   * the error of vde_open(3) for a network that cannot be joined, ENODEV where C did not tell
   */
  static open(spec: StackSpec): NativeStack {
    const before = childrenOfThisThread();
    const [pointer, error] = withSignalsBlocked(() => {
      const made = libioth().newstackv(spec.plugin, [...spec.vnls, null]);
      return [made, made === null ? errno() : 0];
    });
    if (pointer === null) throw openError(spec, error);
    const daemon = childrenOfThisThread().find((pid) => !before.includes(pid));
    const stack = new NativeStack(spec, pointer, daemon);
    stack.#checkInterfaces();
    return stack;
  }

  /** Whether ioth_delstack(3) was called. */
  get closed(): boolean {
    return this.#pointer === null;
  }

  /** @throws {IothError} EBADF once the stack is closed */
  pointer(syscall: string): StackPointer {
    if (this.#pointer === null) throw new IothError('EBADF', { syscall, hint: 'the stack is closed' });
    return this.#pointer;
  }

  /** ioth_msocket(3): a non-blocking descriptor, closed on exec. */
  msocket(family: number, type: number, proto: number): number {
    const stack = this.pointer('socket');
    const flags = this.hasKernelSockets ? SOCK_NONBLOCK | SOCK_CLOEXEC : 0;
    const fd = libioth().msocket(stack, family, type | flags, proto);
    if (fd < 0) {
      const error = errno();
      throw systemError(error, 'socket', { hint: socketHint(error) });
    }
    if (!flags) makeNonBlocking(fd);
    return fd;
  }

  /** Closes its sockets, then ioth_delstack(3) on a worker thread: for a vdestack it waits about 35 ms. */
  async close(): Promise<void> {
    const pointer = this.#release();
    if (pointer === null) return;
    for (let attempt = 0; ; attempt++) {
      const [result, error] = await new Promise<[number, number]>((resolve, reject) => {
        libioth().delstack_async(pointer, (failure, code) => {
          if (failure) reject(failure);
          else resolve([code, code < 0 ? errno() : 0]);
        });
      });
      if (result === 0) return;
      if (error !== EBUSY || attempt === 3) throw this.#reclaim(pointer, error);
      await delay(10);
    }
  }

  /** The same, blocking. */
  closeSync(): void {
    const pointer = this.#release();
    if (pointer === null) return;
    if (libioth().delstack(pointer) !== 0) throw this.#reclaim(pointer, errno());
  }

  #release(): StackPointer | null {
    for (const descriptor of this.descriptors) descriptor.close('the stack was closed');
    const pointer = this.#pointer;
    this.#pointer = null;
    return pointer;
  }

  #reclaim(pointer: StackPointer, error: number): IothError {
    this.#pointer = pointer;
    const hint = error === EBUSY ? 'a socket that was detached is still open on it: close(fd) it first' : undefined;
    return systemError(error, 'ioth_delstack', { hint });
  }

  // a network that could not be joined, or a name that the kernel refused, is seen only by what is missing
  #checkInterfaces(): void {
    this.spec.vnls.forEach((vnl, i) => {
      const ifname = interfaceName(vnl, i);
      try {
        if_nametoindex(this.pointer('ioth_newstack'), ifname);
      } catch (cause) {
        this.closeSync();
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

/** 'vdestack' of 'vdestack,options'. */
export function baseName(plugin: string): string {
  return plugin.split(',', 1)[0] ?? plugin;
}

/** The interface that joins a VNL: the name in front of it ('left:vde:///tmp/sw'), else vde0, vde1 … by position. */
export function interfaceName(vnl: string, position: number): string {
  return splitVnl(vnl)[0] ?? `vde${position}`;
}

/** A VNL's own interface name, if it has one, and the locator itself; the rule is ioth_vdestack's. */
export function splitVnl(vnl: string): [ifname: string | undefined, locator: string] {
  const colon = vnl.indexOf(':');
  const scheme = vnl.indexOf('://');
  if (colon < 0 || colon === scheme) return [undefined, vnl];
  return [vnl.slice(0, colon), vnl.slice(colon + 1)];
}

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const F_GETFL = 3;
const F_SETFL = 4;

/** What SOCK_NONBLOCK | SOCK_CLOEXEC do, where a socket came without. The stack itself must hear it. */
export function makeNonBlocking(fd: number): void {
  const c = libioth();
  const flags = Math.max(0, c.fcntl(fd, F_GETFL, 0));
  c.fcntl(fd, F_SETFL, flags | SOCK_NONBLOCK);
  c.fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/**
 * A vdestack's daemon is a clone that keeps Node's signal handlers, on the same pipe as ours: without a full mask, one
 * Ctrl-C would be one 'SIGINT' event a daemon. The clone keeps the mask that it is born with.
 */
function withSignalsBlocked<T>(work: () => T): T {
  const all = Buffer.alloc(SIGSET_SIZE);
  const before = Buffer.alloc(SIGSET_SIZE);
  libc().sigfillset(all);
  libc().pthread_sigmask(SIG_BLOCK, all, before);
  try {
    return work();
  } finally {
    libc().pthread_sigmask(SIG_SETMASK, before, null);
  }
}

function childrenOfThisThread(): number[] {
  return readFileSync('/proc/thread-self/children', 'latin1').split(' ').filter(Boolean).map(Number);
}

function openError(spec: StackSpec, error: number): IothError {
  const name = baseName(spec.plugin);
  const vnl = spec.vnls.length === 1 ? spec.vnls[0] : undefined;
  return systemError(error, 'ioth_newstack', { address: vnl, hint: openHint(name, codeOf(error), spec.vnls) });
}

function openHint(name: string, code: string, vnls: readonly string[]): string | undefined {
  switch (code) {
    case 'ENOTSUP': {
      const found = plugins()
        .filter(({ path }) => path)
        .map((plugin) => plugin.name);
      const brings = plugins().find((plugin) => plugin.name === name)?.package;
      return (
        `there is no stack plugin '${name}'; found: ${found.join(', ') || 'none'}, in ${pluginDirectories().join(' and ')}` +
        `${brings ? `; ${name} comes with ${brings}` : ''}`
      );
    }
    case 'EPERM': {
      const license = pluginLicense(name);
      return license && !/^LGPL/i.test(license)
        ? `the plugin '${name}' is under ${license}: if your program's licence is compatible, say so first: set_license('${license}')`
        : 'making a network namespace was refused: run as root or allow user namespaces (kernel.unprivileged_userns_clone)';
    }
    case 'EEXIST':
      return 'the path exists: a switch:// of a process that crashed leaves its directory, remove it';
    default:
      return vnls.length > 0
        ? `the network ${vnls.map((vnl) => `'${vnl}'`).join(' or ')} could not be joined`
        : undefined;
  }
}

function socketHint(error: number): string | undefined {
  switch (codeOf(error)) {
    case 'EAFNOSUPPORT':
      return 'the stack has no such address family';
    case 'EPROTONOSUPPORT':
    case 'ESOCKTNOSUPPORT':
      return 'the stack has no such type or protocol in this family';
    case 'EMFILE':
      return 'the process is out of descriptors: close some, or raise ulimit -n';
    case 'EPERM':
    case 'EACCES':
      return 'raw and packet sockets of the kernel stack need CAP_NET_RAW';
    default:
      return undefined;
  }
}
