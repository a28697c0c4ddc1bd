import koffi from 'koffi';
import { loadLibrary } from './loader.js';

/** `VDECONN *`: an address, as koffi returns it. */
export type VdeConnPointer = bigint;

/** `struct vde_open_args`, as koffi encodes it. */
export interface VdeOpenArgs {
  port: number;
  group: string | null;
  mode: number;
}

/** LIBVDEPLUG_INTERFACE_VERSION */
export const VDE_INTERFACE_VERSION = 1;
/** VDE_ETHBUFSIZE: the longest frame in bytes, with its Ethernet and 802.1Q headers. */
export const VDE_ETHBUFSIZE = 9216 + 14 + 4;

type Callback<T> = (error: Error | null, result: T) => void;

/** The functions of libvdeplug, with C's own results; see libvdeplug(3). */
export interface Libvdeplug {
  open(vnl: string, description: string, version: number, args: VdeOpenArgs | null): VdeConnPointer | null;
  /** Runs `open` on a worker thread, since it may block for ever. */
  open_async(
    vnl: string,
    description: string,
    version: number,
    args: VdeOpenArgs | null,
    callback: Callback<VdeConnPointer | null>,
  ): void;
  recv(conn: VdeConnPointer, buf: Uint8Array, len: number, flags: number): number;
  send(conn: VdeConnPointer, buf: Uint8Array, len: number, flags: number): number;
  datafd(conn: VdeConnPointer): number;
  ctlfd(conn: VdeConnPointer): number;
  close(conn: VdeConnPointer): number;
  /** Runs `close` on a worker thread. */
  close_async(conn: VdeConnPointer, callback: Callback<number>): void;
}

let library: Libvdeplug | undefined;

/**
 * Returns libvdeplug, which is loaded at the first call.
 * @throws {LibraryNotFoundError} if it is not installed
 */
export function libvdeplug(): Libvdeplug {
  library ??= bind();
  return library;
}

function bind(): Libvdeplug {
  const lib = loadLibrary('vdeplug');
  const [conn, buf, text] = ['void *', 'void *', 'const char *'];
  const args = koffi.struct({ port: 'int', group: text, mode: 'uint32_t' });
  const open = lib.func('vde_open_real', 'void *', [text, text, 'int', koffi.pointer(args)]);
  const close = lib.func('vde_close', 'int', [conn]);
  return {
    open,
    open_async: open.async,
    recv: lib.func('vde_recv', 'long', [conn, buf, 'size_t', 'int']),
    send: lib.func('vde_send', 'long', [conn, buf, 'size_t', 'int']),
    datafd: lib.func('vde_datafd', 'int', [conn]),
    ctlfd: lib.func('vde_ctlfd', 'int', [conn]),
    close,
    close_async: close.async,
  };
}
