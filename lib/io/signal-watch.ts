import { libc } from '../../ffi/libc.js';
import { libuv, signalCallback, UV_RUN_NOWAIT, UV_SIGNAL } from '../../ffi/libuv.js';

let received: number[] = [];
let callback: unknown;

/** Returns the one callback of the process. libuv calls it only from within {@link SignalWatch.take}. */
function onSignal(): unknown {
  callback ??= signalCallback((signum) => void received.push(signum));
  return callback;
}

/**
 * Receives signals while JavaScript is blocked, by a second libuv loop with handles on them. libuv writes each signal to the
 * pipe of every loop that has a handle on it, so Node's own loop gets it too.
 *
 * While the watch is open the signals do not have their default action. Opening and closing take 30 µs.
 */
export class SignalWatch {
  readonly #loop: bigint;
  readonly #handles: bigint[] = [];
  /** The descriptor that is readable when a signal came. */
  readonly fd: number;

  /** Opens a watch; undefined if libuv's functions are missing, or the process is out of descriptors. */
  static open(signals: readonly number[]): SignalWatch | undefined {
    try {
      return new SignalWatch(signals);
    } catch {
      return undefined;
    }
  }

  private constructor(signals: readonly number[]) {
    const uv = libuv();
    // can fail: comes before everything that would have to be undone
    onSignal();
    this.#loop = libc().malloc(uv.loop_size());
    if (uv.loop_init(this.#loop) !== 0) {
      libc().free(this.#loop);
      throw new Error('uv_loop_init failed');
    }
    for (const signum of signals) this.#watch(signum);
    // the first turn puts libuv's pipe into the epoll set of `fd`
    uv.run(this.#loop, UV_RUN_NOWAIT);
    this.fd = uv.backend_fd(this.#loop);
  }

  #watch(signum: number): void {
    const uv = libuv();
    const handle = libc().malloc(uv.handle_size(UV_SIGNAL));
    if (uv.signal_init(this.#loop, handle) === 0) {
      this.#handles.push(handle);
      uv.signal_start(handle, onSignal(), signum);
    } else libc().free(handle);
  }

  /** Returns the signals that came since the last call. */
  take(): number[] {
    libuv().run(this.#loop, UV_RUN_NOWAIT);
    const taken = received;
    received = [];
    return taken;
  }

  close(): void {
    const uv = libuv();
    for (const handle of this.#handles) uv.close(handle, null);
    this.take();
    uv.loop_close(this.#loop);
    for (const handle of this.#handles) libc().free(handle);
    libc().free(this.#loop);
  }
}
