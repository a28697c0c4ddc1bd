import { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { type KoffiPollHandle, pollReadable } from '../../ffi/koffi-poll.js';
import { libc } from '../../ffi/libc.js';
import { socketPair } from './socket-pair.js';

/** libuv's watch on an epoll(7) descriptor: calls back in the poll phase. Never keeps the process alive. */
export interface LoopWatcher {
  /** Ends it, so that the descriptor can be closed. Returns false where it cannot end before its thread does. */
  end(): boolean;
}

/** Calls `onReadable` from libuv's loop while `epoll` is readable. */
export function watchReadable(epoll: number, onReadable: () => void): LoopWatcher {
  const Pipe = isMainThread ? undefined : pipeConstructor();
  return Pipe ? new PipeLoopWatcher(new Pipe(0), epoll, onReadable) : new KoffiLoopWatcher(epoll, onReadable);
}

/** From Node 26 on, promises that a callback of koffi's settles go on only when the loop calls something of Node's own. */
const NEEDS_TURN = Number(process.versions.node.split('.')[0]) >= 26;

function turnAfter(call: () => void): void {
  call();
  setImmediate(() => {});
}

/** libuv's uv_poll_t, by koffi. */
class KoffiLoopWatcher implements LoopWatcher {
  readonly #handle: KoffiPollHandle;
  readonly #end = () => this.end();

  constructor(epoll: number, onReadable: () => void) {
    this.#handle = pollReadable(epoll, NEEDS_TURN ? () => turnAfter(onReadable) : onReadable);
    this.#handle.unref();
    // While Node takes its environment down it runs the loop once more: an event that koffi delivers then, when no
    // JavaScript can run, aborts the process.
    process.once('exit', this.#end);
  }

  end(): true {
    process.off('exit', this.#end);
    this.#handle.close();
    return true;
  }
}

/** What is used of Node's internal stream handle. */
interface PipeHandle {
  open(fd: number): number;
  readStart(): number;
  unref(): void;
  onread: () => void;
}

/**
 * A stream of Node's own, for worker threads: koffi's poll aborts the whole process when it has an event for a worker
 * that worker.terminate() is ending, Node's streams do not. The stream is on the epoll descriptor: it reads when something is
 * ready, the read fails with EINVAL, and that is the event.
 */
class PipeLoopWatcher implements LoopWatcher {
  constructor(pipe: PipeHandle, epoll: number, onReadable: () => void) {
    const listen = () => {
      pipe.open(epoll);
      pipe.readStart();
    };
    pipe.onread = () => {
      // an error is a stream's end: it is opened anew, when this callback is over
      setImmediate(listen);
      onReadable();
    };
    listen();
    pipe.unref();
  }

  /** It is between two reads at times, when it could not be closed: Node closes it, and its descriptor, with the thread. */
  end(): false {
    return false;
  }
}

/** Undefined where Node's internals are not as expected: then koffi's poll must do. */
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
