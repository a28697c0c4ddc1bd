import { Socket as NodeSocket } from 'node:net';
import { errno } from '../../ffi/ioth.js';
import { libc } from '../../ffi/libc.js';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from '../constants/index.js';
import { systemError } from '../core/errors.js';

const F_SETFL = 4;
const F_SETOWN = 8;
const F_SETSIG = 10;
const O_ASYNC = 0o20000;
const SIGKILL = 9;

/**
 * Kills the daemon of a stack that a worker made when worker.terminate() ends the worker: no JavaScript runs then, but Node
 * closes the streams of the worker, and the kernel signals the owner of the other end.
 */
export class KillOnWorkerExit {
  readonly #stream: NodeSocket;
  readonly #armed: number;

  constructor(pid: number) {
    const pair = new Int32Array(2);
    if (libc().socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, new Uint8Array(pair.buffer)) < 0) {
      throw systemError(errno(), 'socketpair');
    }
    const [held = -1, armed = -1] = pair;
    this.#armed = armed;
    libc().fcntl(armed, F_SETOWN, pid);
    libc().fcntl(armed, F_SETSIG, SIGKILL);
    libc().fcntl(armed, F_SETFL, O_ASYNC);
    this.#stream = new NodeSocket({ fd: held, readable: false, writable: false });
    this.#stream.unref();
  }

  /** Disarms it: the armed end goes first. */
  close(): void {
    libc().close(this.#armed);
    this.#stream.destroy();
  }
}
