import { Socket as NodeSocket } from 'node:net';

import { F_SETFL, F_SETOWN, F_SETSIG, libc, O_ASYNC } from '../../ffi/libc.js';
import { socketPair } from '../io/socket-pair.js';

const SIGKILL = 9;

/**
 * Kills the daemon of a stack that a worker made when worker.terminate() ends the worker. No JavaScript runs then, but Node
 * closes the streams of the worker, and the kernel signals the owner of the other end.
 */
export class KillOnWorkerExit {
  readonly #stream: NodeSocket;
  readonly #armed: number;

  constructor(pid: number) {
    const [held, armed] = socketPair();
    this.#armed = armed;
    libc().fcntl(armed, F_SETOWN, pid);
    libc().fcntl(armed, F_SETSIG, SIGKILL);
    libc().fcntl(armed, F_SETFL, O_ASYNC);
    this.#stream = new NodeSocket({ fd: held, readable: false, writable: false });
    this.#stream.unref();
  }

  /** Disarms it. The armed end must be closed first. */
  close(): void {
    libc().close(this.#armed);
    this.#stream.destroy();
  }
}
