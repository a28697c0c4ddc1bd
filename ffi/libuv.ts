import koffi from 'koffi';
import { checkRuntime } from './runtime.js';

export const UV_SIGNAL = 16;
export const UV_RUN_NOWAIT = 2;

/** The functions of libuv that ioth uses. Node exports them to addons. */
export interface Libuv {
  loop_size(): number;
  handle_size(type: number): number;
  loop_init(loop: bigint): number;
  loop_close(loop: bigint): number;
  run(loop: bigint, mode: number): number;
  backend_fd(loop: bigint): number;
  signal_init(loop: bigint, handle: bigint): number;
  signal_start(handle: bigint, callback: unknown, signum: number): number;
  close(handle: bigint, callback: null): void;
}

let library: Libuv | undefined;

/** Returns the libuv that is built into Node. */
export function libuv(): Libuv {
  library ??= bind();
  return library;
}

function bind(): Libuv {
  checkRuntime();
  const lib = koffi.load(null);
  const pointer = 'void *';
  return {
    loop_size: lib.func('uv_loop_size', 'size_t', []),
    handle_size: lib.func('uv_handle_size', 'size_t', ['int']),
    loop_init: lib.func('uv_loop_init', 'int', [pointer]),
    loop_close: lib.func('uv_loop_close', 'int', [pointer]),
    run: lib.func('uv_run', 'int', [pointer, 'int']),
    backend_fd: lib.func('uv_backend_fd', 'int', [pointer]),
    signal_init: lib.func('uv_signal_init', 'int', [pointer, pointer]),
    signal_start: lib.func('uv_signal_start', 'int', [pointer, pointer, 'int']),
    close: lib.func('uv_close', 'void', [pointer, pointer]),
  };
}

/** Returns a function that C calls as `uv_signal_cb`: `void (*)(uv_signal_t *handle, int signum)`. It is never freed. */
export function signalCallback(onSignal: (signum: number) => void): unknown {
  const type = koffi.pointer(koffi.proto('void', ['void *', 'int']));
  return koffi.register((_handle: unknown, signum: number) => onSignal(signum), type);
}
