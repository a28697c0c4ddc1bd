import koffi, { type TypeObject } from 'koffi';
import { loadLibrary } from './loader.js';

/** `struct ioth *`: an address, as koffi returns it. */
export type StackPointer = bigint;

/** `struct iovec`, as koffi encodes it. */
export interface Iovec {
  iov_base: Uint8Array;
  iov_len: number;
}

/** `struct msghdr`, as koffi encodes it and writes it back. */
export interface Msghdr {
  msg_name: Uint8Array | null;
  msg_namelen: number;
  msg_iov: Iovec[];
  msg_iovlen: number;
  msg_control: Uint8Array | null;
  msg_controllen: number;
  msg_flags: number;
}

type Buf = Uint8Array;

// koffi does not export the type of its direction markers, which its functions take as types
type Spec = string | TypeObject;

/**
 * The functions that libioth 0.1.2 exports, with C's own results: -1 or null on failure, and the reason in {@link errno}.
 * See ioth(3). The configuration functions are missing: they are inline functions of nlinline+.h.
 */
export interface Libioth {
  /** Keeps the pointer: the memory must outlive the process's last ioth_newstack. */
  set_license(license: bigint | null): void;
  newstack(stack: string | null, vnl: string | null): StackPointer | null;
  newstackv(stack: string | null, vnlv: (string | null)[]): StackPointer | null;
  delstack(stack: StackPointer): number;
  /** Runs `delstack` on a worker thread; `callback` gets its result. */
  delstack_async(stack: StackPointer, callback: (error: Error | null, result: number) => void): void;
  set_defstack(stack: StackPointer | null): void;
  get_defstack(): StackPointer;
  msocket(stack: StackPointer | null, domain: number, type: number, protocol: number): number;
  socket(domain: number, type: number, protocol: number): number;
  close(fd: number): number;
  /** The address of `ioth_close`, for C to call. */
  readonly addressOfClose: bigint;
  bind(fd: number, addr: Buf, addrlen: number): number;
  connect(fd: number, addr: Buf, addrlen: number): number;
  listen(fd: number, backlog: number): number;
  accept(fd: number, addr: Buf | null, addrlen: Uint32Array | null): number;
  getsockname(fd: number, addr: Buf, addrlen: Uint32Array): number;
  getpeername(fd: number, addr: Buf, addrlen: Uint32Array): number;
  read(fd: number, buf: Buf, len: number): number;
  readv(fd: number, iov: Iovec[], iovcnt: number): number;
  recv(fd: number, buf: Buf, len: number, flags: number): number;
  recvfrom(fd: number, buf: Buf, len: number, flags: number, from: Buf | null, fromlen: Uint32Array | null): number;
  recvmsg(fd: number, msg: Msghdr, flags: number): number;
  write(fd: number, buf: Buf, len: number): number;
  writev(fd: number, iov: Iovec[], iovcnt: number): number;
  send(fd: number, buf: Buf, len: number, flags: number): number;
  sendto(fd: number, buf: Buf, len: number, flags: number, to: Buf | null, tolen: number): number;
  sendmsg(fd: number, msg: Msghdr, flags: number): number;
  setsockopt(fd: number, level: number, optname: number, optval: Buf | null, optlen: number): number;
  getsockopt(fd: number, level: number, optname: number, optval: Buf, optlen: Uint32Array): number;
  shutdown(fd: number, how: number): number;
  ioctl(fd: number, cmd: number, argp: Buf | null): number;
  fcntl(fd: number, cmd: number, val: number): number;
  getifaddrs(stack: StackPointer | null, ifap: [bigint | null]): number;
  freeifaddrs(ifa: bigint): void;
}

let library: Libioth | undefined;

/**
 * Returns libioth, which is loaded at the first call.
 * @throws {LibraryNotFoundError} if it is not installed
 */
export function libioth(): Libioth {
  library ??= bind();
  return library;
}

function bind(): Libioth {
  const lib = loadLibrary('ioth');
  const iovec = koffi.struct({ iov_base: 'void *', iov_len: 'size_t' });
  const msghdr = koffi.struct({
    msg_name: 'void *',
    msg_namelen: 'uint32_t',
    msg_iov: koffi.pointer(iovec),
    msg_iovlen: 'size_t',
    msg_control: 'void *',
    msg_controllen: 'size_t',
    msg_flags: 'int',
  });
  const buf = 'void *';
  const iov = koffi.pointer(iovec);
  const msg = koffi.inout(koffi.pointer(msghdr)) as unknown as Spec;
  const func = (name: string, result: string, args: Spec[]) => lib.func(`ioth_${name}`, result, args);
  const delstack = func('delstack', 'int', ['void *']);
  return {
    set_license: func('set_license', 'void', ['void *']),
    newstack: func('newstack', 'void *', ['const char *', 'const char *']),
    newstackv: func('newstackv', 'void *', ['const char *', 'const char **']),
    delstack,
    delstack_async: delstack.async,
    set_defstack: func('set_defstack', 'void', ['void *']),
    get_defstack: func('get_defstack', 'void *', []),
    msocket: func('msocket', 'int', ['void *', 'int', 'int', 'int']),
    socket: func('socket', 'int', ['int', 'int', 'int']),
    addressOfClose: lib.symbol('ioth_close'),
    close: func('close', 'int', ['int']),
    bind: func('bind', 'int', ['int', buf, 'uint32_t']),
    connect: func('connect', 'int', ['int', buf, 'uint32_t']),
    listen: func('listen', 'int', ['int', 'int']),
    accept: func('accept', 'int', ['int', buf, buf]),
    getsockname: func('getsockname', 'int', ['int', buf, buf]),
    getpeername: func('getpeername', 'int', ['int', buf, buf]),
    read: func('read', 'long', ['int', buf, 'size_t']),
    readv: func('readv', 'long', ['int', iov, 'int']),
    recv: func('recv', 'long', ['int', buf, 'size_t', 'int']),
    recvfrom: func('recvfrom', 'long', ['int', buf, 'size_t', 'int', buf, buf]),
    recvmsg: func('recvmsg', 'long', ['int', msg, 'int']),
    write: func('write', 'long', ['int', buf, 'size_t']),
    writev: func('writev', 'long', ['int', iov, 'int']),
    send: func('send', 'long', ['int', buf, 'size_t', 'int']),
    sendto: func('sendto', 'long', ['int', buf, 'size_t', 'int', buf, 'uint32_t']),
    sendmsg: func('sendmsg', 'long', ['int', msg, 'int']),
    setsockopt: func('setsockopt', 'int', ['int', 'int', 'int', buf, 'uint32_t']),
    getsockopt: func('getsockopt', 'int', ['int', 'int', 'int', buf, buf]),
    shutdown: func('shutdown', 'int', ['int', 'int']),
    ioctl: func('ioctl', 'int', ['int', 'unsigned long', buf]),
    fcntl: func('fcntl', 'int', ['int', 'int', 'long']),
    getifaddrs: func('getifaddrs', 'int', ['void *', koffi.out(koffi.pointer('void *')) as unknown as Spec]),
    freeifaddrs: func('freeifaddrs', 'void', ['void *']),
  };
}
