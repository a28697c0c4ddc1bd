import { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { type KoffiPollHandle, pollReadable } from '../../ffi/koffi-poll.js';
import { libc } from '../../ffi/libc.js';
import { socketPair } from './socket-pair.js';

/** Ends a watch, so that the descriptor can be closed. Returns false if the watch lasts until its thread ends. */
export type EndWatch = () => boolean;

/** Calls `onReadable` in the poll phase of libuv's loop while `epoll` is readable. Never keeps the process alive. */
export function watchReadable(epoll: number, onReadable: () => void): EndWatch {
  const Pipe = isMainThread ? undefined : pipeConstructor();
  return Pipe ? watchByPipe(new Pipe(0), epoll, onReadable) : watchByKoffi(epoll, onReadable);
}

/** True from Node 26 on: promises that a callback of koffi settles continue only when the loop next calls Node's own code. */
const NEEDS_TURN = Number(process.versions.node.split('.')[0]) >= 26;

function turnAfter(call: () => void): void {
  call();
  setImmediate(() => {});
}

/** The watches of {@link watchDirectly}. */
const direct = new Set<KoffiPollHandle>();
/** More than these cost more than they save: the set of a thread serves the others. */
const MAX_DIRECT = 64;

/**
 * Calls `onReadable` in the poll phase of libuv's loop while the descriptor is readable, with false if it is in error. Never keeps
 * the process alive. Returns undefined if there are too many such watches, in a worker thread, and if libuv refuses.
 */
export function watchDirectly(fd: number, onReadable: (isSound: boolean) => void): (() => void) | undefined {
  // koffi's poll aborts the process if a worker is terminated
  if (!isMainThread || direct.size >= MAX_DIRECT) return undefined;
  let handle: KoffiPollHandle;
  try {
    handle = pollReadable(
      fd,
      NEEDS_TURN ? (status) => turnAfter(() => onReadable(status === 0)) : (status) => onReadable(status === 0),
    );
  } catch {
    return undefined;
  }
  handle.unref();
  if (direct.size === 0) process.on('exit', endDirectWatches);
  direct.add(handle);
  return () => {
    handle.close();
    if (direct.delete(handle) && direct.size === 0) process.off('exit', endDirectWatches);
  };
}

/** See watchByKoffi. */
function endDirectWatches(): void {
  for (const handle of direct) handle.close();
  direct.clear();
}

/** Watches with a uv_poll_t of libuv, through koffi. */
function watchByKoffi(epoll: number, onReadable: () => void): EndWatch {
  const handle = pollReadable(epoll, NEEDS_TURN ? () => turnAfter(onReadable) : onReadable);
  handle.unref();
  const end = () => {
    process.off('exit', end);
    handle.close();
    return true;
  };
  // Node runs the loop once more while it tears down its environment and JavaScript cannot run: an event that koffi
  // delivers then aborts the process.
  process.once('exit', end);
  return end;
}

/** The members of Node's internal stream handle that are used. */
interface PipeHandle {
  open(fd: number): number;
  readStart(): number;
  unref(): void;
  onread: () => void;
}

type PipeConstructor = new (type: number) => PipeHandle;

/**
 * Watches with a stream of Node, for worker threads. koffi's poll aborts the whole process if it has an event for a worker that
 * worker.terminate() is ending; Node's streams do not. The stream reads the epoll descriptor: when something is ready the read
 * fails with EINVAL, and that is the event.
 */
function watchByPipe(pipe: PipeHandle, epoll: number, onReadable: () => void): EndWatch {
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
  // the stream cannot be closed between two reads: Node closes it and its descriptor when the thread ends
  return () => false;
}

/** Returns undefined if Node's internals are not as expected: koffi's poll is used then. */
function pipeConstructor(): PipeConstructor | undefined {
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
  return handle.constructor as PipeConstructor;
}
