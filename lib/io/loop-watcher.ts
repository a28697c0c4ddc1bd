import { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { type KoffiPollHandle, pollReadable } from '../../ffi/koffi-poll.js';
import { libc } from '../../ffi/libc.js';
import { socketPair } from './socket-pair.js';

/** libuv's watch on an epoll(7) descriptor: calls back in the poll phase. Never keeps the process alive. */
export interface LoopWatcher {
  /** Ends the watch, so that the descriptor can be closed. Returns false if it lasts until its thread ends. */
  end(): boolean;
}

/** Calls `onReadable` from libuv's loop while `epoll` is readable. */
export function watchReadable(epoll: number, onReadable: () => void): LoopWatcher {
  const Pipe = isMainThread ? undefined : pipeConstructor();
  return Pipe ? new PipeLoopWatcher(new Pipe(0), epoll, onReadable) : new KoffiLoopWatcher(epoll, onReadable);
}

/** True from Node 26 on: promises that a callback of koffi settles continue only when the loop next calls Node's own code. */
const NEEDS_TURN = Number(process.versions.node.split('.')[0]) >= 26;

function turnAfter(call: () => void): void {
  call();
  setImmediate(() => {});
}

/** A uv_poll_t of libuv, through koffi. */
class KoffiLoopWatcher implements LoopWatcher {
  readonly #handle: KoffiPollHandle;
  readonly #end = () => this.end();

  constructor(epoll: number, onReadable: () => void) {
    this.#handle = pollReadable(epoll, NEEDS_TURN ? () => turnAfter(onReadable) : onReadable);
    this.#handle.unref();
    // Node runs the loop once more while it tears down its environment and JavaScript cannot run: an event that koffi
    // delivers then aborts the process.
    process.once('exit', this.#end);
  }

  end(): true {
    process.off('exit', this.#end);
    this.#handle.close();
    return true;
  }
}

/** The members of Node's internal stream handle that are used. */
interface PipeHandle {
  open(fd: number): number;
  readStart(): number;
  unref(): void;
  onread: () => void;
}

/**
 * A watch by a stream of Node, for worker threads. koffi's poll aborts the whole process if it has an event for a worker that
 * worker.terminate() is ending; Node's streams do not. The stream reads the epoll descriptor: when something is ready the read
 * fails with EINVAL, and that is the event.
 */
class PipeLoopWatcher implements LoopWatcher {
  constructor(pipe: PipeHandle, epoll: number, onReadable: () => void) {
    const listen = () => {
      pipe.open(epoll);
      pipe.readStart();
    };
    pipe.onread = () => {
      // an error ends the stream: it is reopened after this callback
      setImmediate(listen);
      onReadable();
    };
    listen();
    pipe.unref();
  }

  /** Does nothing: the stream cannot be closed between two reads. Node closes it and its descriptor when the thread ends. */
  end(): false {
    return false;
  }
}

/** Returns undefined if Node's internals are not as expected: koffi's poll is used then. */
function pipeConstructor(): (new (type: number) => PipeHandle) | undefined {
  let fd: number;
  try {
    const [end, other] = socketPair();
    libc().close(other);
    fd = end;
  } catch {
    return undefined;
  }
  const probe = new Socket({ fd, readable: false, writable: false });
  const handle = (probe as unknown as { _handle?: PipeHandle })._handle;
  probe.destroy();
  if (typeof handle?.open !== 'function' || typeof handle.readStart !== 'function') return undefined;
  return handle.constructor as new (
    type: number,
  ) => PipeHandle;
}
