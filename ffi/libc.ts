import koffi from 'koffi';

/** `struct pollfd` as bytes: int fd, short events, short revents. */
export const POLLFD_SIZE = 8;
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
/** At least `sizeof(struct sigaction)`; the handler comes first. */
export const SIGACTION_SIZE = 256;

/** Of close_range(2): do not close, set close-on-exec. */
export const CLOSE_RANGE_CLOEXEC = 4;

/** The few functions of libc that libioth does not wrap. */
export interface Libc {
  poll(fds: Uint8Array, nfds: number, timeout: number): number;
  dup(fd: number): number;
  dup3(oldfd: number, newfd: number, flags: number): number;
  close(fd: number): number;
  read(fd: number, buf: Uint8Array, count: number): number;
  close_range(first: number, last: number, flags: number): number;
  fcntl(fd: number, cmd: number, arg: number): number;
  ioctl(fd: number, request: number, arg: number): number;
  socketpair(domain: number, type: number, protocol: number, fds: Uint8Array): number;
  getsockname(fd: number, addr: Uint8Array, addrlen: Uint32Array): number;
  getsockopt(fd: number, level: number, optname: number, optval: Uint8Array, optlen: Uint32Array): number;
  setsockopt(fd: number, level: number, optname: number, optval: Uint8Array, optlen: number): number;
  sendfile(outFd: number, inFd: number, offset: BigInt64Array | null, count: number): number;
  malloc(size: number): bigint;
  free(pointer: bigint): void;
  sigfillset(set: Uint8Array): number;
  pthread_sigmask(how: number, set: Uint8Array, oldset: Uint8Array | null): number;
  sched_yield(): number;
  sigaction(signum: number, act: Uint8Array | null, oldact: Uint8Array | null): number;
  pidfd_open(pid: number, flags: number): number;
  epoll_create1(flags: number): number;
  epoll_ctl(epfd: number, op: number, fd: number, event: Uint32Array): number;
  epoll_wait(epfd: number, events: Uint32Array, maxevents: number, timeout: number): number;
}

let library: Libc | undefined;

/** The C library that Node itself runs on. */
export function libc(): Libc {
  library ??= bind();
  return library;
}

function bind(): Libc {
  const lib = koffi.load(null);
  const buf = 'void *';
  return {
    poll: lib.func('poll', 'int', [buf, 'unsigned long', 'int']),
    dup: lib.func('dup', 'int', ['int']),
    dup3: lib.func('dup3', 'int', ['int', 'int', 'int']),
    close: lib.func('close', 'int', ['int']),
    read: lib.func('read', 'long', ['int', buf, 'size_t']),
    close_range: lib.func('close_range', 'int', ['uint', 'uint', 'int']),
    fcntl: lib.func('fcntl', 'int', ['int', 'int', 'long']),
    ioctl: lib.func('ioctl', 'int', ['int', 'unsigned long', 'long']),
    socketpair: lib.func('socketpair', 'int', ['int', 'int', 'int', buf]),
    getsockname: lib.func('getsockname', 'int', ['int', buf, buf]),
    getsockopt: lib.func('getsockopt', 'int', ['int', 'int', 'int', buf, buf]),
    setsockopt: lib.func('setsockopt', 'int', ['int', 'int', 'int', buf, 'uint32_t']),
    sendfile: lib.func('sendfile', 'long', ['int', 'int', buf, 'size_t']),
    malloc: lib.func('malloc', 'void *', ['size_t']),
    free: lib.func('free', 'void', ['void *']),
    sigfillset: lib.func('sigfillset', 'int', [buf]),
    pthread_sigmask: lib.func('pthread_sigmask', 'int', ['int', buf, buf]),
    sched_yield: lib.func('sched_yield', 'int', []),
    sigaction: lib.func('sigaction', 'int', ['int', buf, buf]),
    pidfd_open: lib.func('pidfd_open', 'int', ['int', 'uint']),
    epoll_create1: lib.func('epoll_create1', 'int', ['int']),
    epoll_ctl: lib.func('epoll_ctl', 'int', ['int', 'int', 'int', buf]),
    epoll_wait: lib.func('epoll_wait', 'int', ['int', buf, 'int', 'int']),
  };
}
