import koffi from 'koffi';
import type { Libioth } from './ioth.js';
import { checkRuntime } from './runtime.js';

/** Events of poll(2). */
export const POLLIN = 0x001;
export const POLLOUT = 0x004;
export const POLLERR = 0x008;
export const POLLHUP = 0x010;
export const POLLNVAL = 0x020;
export const POLLRDHUP = 0x2000;

export const SIG_BLOCK = 0;
export const SIG_SETMASK = 2;
/** `sizeof(sigset_t)`: 1024 bits in glibc. */
export const SIGSET_SIZE = 128;
/** The size of a buffer for a `struct sigaction`, which is smaller; the handler comes first. */
export const SIGACTION_SIZE = 256;

/** Commands and flags of fcntl(2). */
export const F_SETFD = 2;
export const F_SETFL = 4;
export const F_SETOWN = 8;
export const F_SETSIG = 10;
export const F_DUPFD_CLOEXEC = 1030;
export const FD_CLOEXEC = 1;
export const O_ASYNC = 0o20000;

/** Flags, operations and events of epoll(7). */
export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 1;
export const EPOLLOUT = 4;
export const EPOLLERR = 8;
export const EPOLLHUP = 16;
export const EPOLLET = 0x80000000;

/** Clock and flags of timerfd_create(2). */
export const CLOCK_MONOTONIC = 1;
export const TFD_NONBLOCK = 0o4000;
export const TFD_CLOEXEC = 0o2000000;

/** Flags of clone(2). */
export const CLONE_VM = 0x100;
export const CLONE_VFORK = 0x4000;
/** `__WALL` of waitpid(2). */
export const WALL = 0x40000000;

/** Flag of close_range(2): sets close-on-exec, and does not close. */
export const CLOSE_RANGE_CLOEXEC = 4;

/** Those that libioth wraps. */
type Wrapped = 'connect' | 'send' | 'sendto' | 'recv' | 'recvfrom' | 'shutdown' | 'getsockname' | 'getpeername';

/** The functions of libc that ioth uses. */
export interface Libc extends Pick<Libioth, Wrapped> {
  poll(fds: Uint8Array, nfds: number, timeout: number): number;
  dup(fd: number): number;
  dup3(oldfd: number, newfd: number, flags: number): number;
  close(fd: number): number;
  /** Runs `close` on a worker thread. */
  close_async(fd: number, callback: (error: Error | null, result: number) => void): void;
  read(fd: number, buf: Uint8Array, count: number): number;
  close_range(first: number, last: number, flags: number): number;
  fcntl(fd: number, cmd: number, arg: number): number;
  ioctl(fd: number, request: number, arg: number): number;
  /** ioctl(2) that writes its result to `arg`. */
  ioctl_into(fd: number, request: number, arg: Uint8Array): number;
  socket(domain: number, type: number, protocol: number): number;
  socketpair(domain: number, type: number, protocol: number, fds: Uint8Array): number;
  getsockopt(fd: number, level: number, optname: number, optval: ArrayBufferView, optlen: Uint32Array): number;
  setsockopt(fd: number, level: number, optname: number, optval: ArrayBufferView, optlen: number): number;
  if_nametoindex(name: string): number;
  sendfile(outFd: number, inFd: number, offset: BigInt64Array | null, count: number): number;
  malloc(size: number): bigint;
  free(pointer: bigint): void;
  memcpy(to: ArrayBufferView | bigint, from: bigint | Uint8Array, count: number): unknown;
  sigfillset(set: Uint8Array): number;
  pthread_sigmask(how: number, set: Uint8Array, oldset: Uint8Array | null): number;
  sched_yield(): number;
  sigaction(signum: number, act: Uint8Array | null, oldact: Uint8Array | null): number;
  pidfd_open(pid: number, flags: number): number;
  /** Calls clone(2). `fn` is the address of an `int (*)(void *)` of C, `stack` the last bytes of its stack's memory. */
  clone(fn: bigint, stack: Uint8Array, flags: number, arg: bigint): number;
  waitpid(pid: number, status: Uint8Array, options: number): number;
  inotify_init1(flags: number): number;
  inotify_add_watch(fd: number, pathname: string, mask: number): number;
  inotify_rm_watch(fd: number, wd: number): number;
  eventfd(initval: number, flags: number): number;
  epoll_create1(flags: number): number;
  epoll_ctl(epfd: number, op: number, fd: number, event: Uint32Array): number;
  epoll_wait(epfd: number, events: Uint32Array, maxevents: number, timeout: number): number;
  timerfd_create(clockid: number, flags: number): number;
  /** Takes a `struct itimerspec` of 64-bit numbers: seconds and nanoseconds of the interval, then of the first expiry. */
  timerfd_settime(fd: number, flags: number, value: BigInt64Array, old: null): number;
}

/** Sets errno(3) to 0, before a call of C that may fail without setting it. */
export function clearErrno(): void {
  koffi.errno(0);
}

/** Returns errno(3) of the last call on this thread. Read it before anything else runs. */
export function errno(): number {
  return koffi.errno();
}

/** The error numbers of this machine by name: 'ECONNREFUSED' is 111 on most machines. */
export const ERRNO_BY_NAME: Readonly<Record<string, number>> = koffi.os.errno;

/** `sizeof(size_t)`. */
export const SIZEOF_SIZE_T: number = koffi.sizeof('size_t');

/** Returns the text as a C string that stays allocated for the life of the process. */
export function permanentString(text: string): bigint {
  const bytes = Buffer.from(`${text}\0`);
  const pointer = koffi.alloc('char', bytes.length) as bigint;
  koffi.encode(pointer, 'char', [...bytes], bytes.length);
  return pointer;
}

const memory = new ArrayBuffer(512);
let used = 0;

/**
 * Returns memory for the arguments of system calls that follow each other, for a variable of a module.
 *
 * After a vdestack's daemon was cloned, the kernel copies each page that this process writes to. Each small allocation can be such a
 * page; this memory is one page, or two.
 * @internal
 */
export function scratch<T extends ArrayBufferView>(
  type: new (buffer: ArrayBuffer, at: number, length: number) => T,
  length: number,
): T {
  const view = new type(memory, used, length);
  used = Math.ceil((used + view.byteLength) / 8) * 8;
  return view;
}

let library: Libc | undefined;

/** Returns the C library that Node itself runs on. */
export function libc(): Libc {
  library ??= bind();
  return library;
}

function bind(): Libc {
  checkRuntime();
  const lib = koffi.load(null);
  const buf = 'void *';
  const close = lib.func('close', 'int', ['int']);
  return {
    poll: lib.func('poll', 'int', [buf, 'unsigned long', 'int']),
    dup: lib.func('dup', 'int', ['int']),
    dup3: lib.func('dup3', 'int', ['int', 'int', 'int']),
    close,
    close_async: close.async,
    read: lib.func('read', 'long', ['int', buf, 'size_t']),
    close_range: lib.func('close_range', 'int', ['uint', 'uint', 'int']),
    fcntl: lib.func('fcntl', 'int', ['int', 'int', 'long']),
    ioctl: lib.func('ioctl', 'int', ['int', 'unsigned long', 'long']),
    ioctl_into: lib.func('ioctl', 'int', ['int', 'unsigned long', 'void *']),
    socket: lib.func('socket', 'int', ['int', 'int', 'int']),
    socketpair: lib.func('socketpair', 'int', ['int', 'int', 'int', buf]),
    connect: lib.func('connect', 'int', ['int', buf, 'uint32_t']),
    send: lib.func('send', 'long', ['int', buf, 'size_t', 'int']),
    sendto: lib.func('sendto', 'long', ['int', buf, 'size_t', 'int', buf, 'uint32_t']),
    recv: lib.func('recv', 'long', ['int', buf, 'size_t', 'int']),
    recvfrom: lib.func('recvfrom', 'long', ['int', buf, 'size_t', 'int', buf, buf]),
    shutdown: lib.func('shutdown', 'int', ['int', 'int']),
    getsockname: lib.func('getsockname', 'int', ['int', buf, buf]),
    getpeername: lib.func('getpeername', 'int', ['int', buf, buf]),
    getsockopt: lib.func('getsockopt', 'int', ['int', 'int', 'int', buf, buf]),
    setsockopt: lib.func('setsockopt', 'int', ['int', 'int', 'int', buf, 'uint32_t']),
    if_nametoindex: lib.func('if_nametoindex', 'unsigned int', ['str']),
    sendfile: lib.func('sendfile', 'long', ['int', 'int', buf, 'size_t']),
    malloc: lib.func('malloc', 'void *', ['size_t']),
    free: lib.func('free', 'void', ['void *']),
    memcpy: lib.func('memcpy', 'void *', [buf, 'void *', 'size_t']),
    sigfillset: lib.func('sigfillset', 'int', [buf]),
    pthread_sigmask: lib.func('pthread_sigmask', 'int', ['int', buf, buf]),
    clone: lib.func('clone', 'int', ['void *', 'void *', 'int', 'void *']),
    waitpid: lib.func('waitpid', 'int', ['int', buf, 'int']),
    sched_yield: lib.func('sched_yield', 'int', []),
    sigaction: lib.func('sigaction', 'int', ['int', buf, buf]),
    pidfd_open: lib.func('pidfd_open', 'int', ['int', 'uint']),
    inotify_init1: lib.func('inotify_init1', 'int', ['int']),
    inotify_add_watch: lib.func('inotify_add_watch', 'int', ['int', 'const char *', 'uint32_t']),
    inotify_rm_watch: lib.func('inotify_rm_watch', 'int', ['int', 'int']),
    eventfd: lib.func('eventfd', 'int', ['uint', 'int']),
    epoll_create1: lib.func('epoll_create1', 'int', ['int']),
    epoll_ctl: lib.func('epoll_ctl', 'int', ['int', 'int', 'int', buf]),
    epoll_wait: lib.func('epoll_wait', 'int', ['int', buf, 'int', 'int']),
    timerfd_create: lib.func('timerfd_create', 'int', ['int', 'int']),
    timerfd_settime: lib.func('timerfd_settime', 'int', ['int', 'int', buf, buf]),
  };
}
