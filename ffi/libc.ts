import koffi from 'koffi';

/** `struct pollfd` as bytes: int fd, short events, short revents. */
export const POLLFD_SIZE = 8;
export const POLLIN = 0x001;
export const POLLOUT = 0x004;
export const POLLERR = 0x008;
export const POLLHUP = 0x010;
export const POLLNVAL = 0x020;

export const SIG_BLOCK = 0;
export const SIG_SETMASK = 2;
/** `sizeof(sigset_t)`: 1024 bits in glibc. */
export const SIGSET_SIZE = 128;

/** The few functions of libc that libioth does not wrap. */
export interface Libc {
  poll(fds: Uint8Array, nfds: number, timeout: number): number;
  dup3(oldfd: number, newfd: number, flags: number): number;
  close(fd: number): number;
  sendfile(outFd: number, inFd: number, offset: BigInt64Array | null, count: number): number;
  sigfillset(set: Uint8Array): number;
  pthread_sigmask(how: number, set: Uint8Array, oldset: Uint8Array | null): number;
}

let library: Libc | undefined;

/** The C library that Node itself runs on. */
export function libc(): Libc {
  library ??= bind();
  return library;
}

function bind(): Libc {
  const lib = koffi.load(null);
  return {
    poll: lib.func('poll', 'int', ['void *', 'unsigned long', 'int']),
    dup3: lib.func('dup3', 'int', ['int', 'int', 'int']),
    close: lib.func('close', 'int', ['int']),
    sendfile: lib.func('sendfile', 'long', ['int', 'int', 'void *', 'size_t']),
    sigfillset: lib.func('sigfillset', 'int', ['void *']),
    pthread_sigmask: lib.func('pthread_sigmask', 'int', ['int', 'void *', 'void *']),
  };
}
