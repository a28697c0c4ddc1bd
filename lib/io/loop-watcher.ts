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
  if (Pipe) return watchByPipe(new Pipe(0), epoll, onReadable);
  const end = watchByKoffi(epoll, onReadable);
  return () => {
    end();
    return true;
  };
}

/** True from Node 26 on: promises that a callback of koffi settles continue only when the loop next calls Node's own code. */
const NEEDS_TURN = Number(process.versions.node.split('.')[0]) >= 26;

function turnAfter(call: () => void): void {
  call();
  setImmediate(() => {});
}

/** More than these cost more than they save: the set of a thread serves the others. */
const MAX_DIRECT = 64;

/**
 * Calls `onReadable` in the poll phase of libuv's loop while the descriptor is readable, with a status that is not 0 if it is in
 * error. Never keeps the process alive. Returns undefined if there are too many such watches, in a worker thread, and if libuv refuses.
 */
export function watchDirectly(fd: number, onReadable: (status: number) => void): (() => void) | undefined {
  // koffi's poll aborts the process if a worker is terminated. One of the watches is that of the set
  if (!isMainThread || open.size > MAX_DIRECT) return undefined;
  try {
    return watchByKoffi(fd, onReadable);
  } catch {
    return undefined;
  }
}

/** The watches of {@link watchByKoffi}. */
const open = new Set<KoffiPollHandle>();

/** Watches with a uv_poll_t of libuv, through koffi. Returns a function that ends it. */
function watchByKoffi(fd: number, onReadable: (status: number) => void): () => void {
  const handle = pollReadable(fd, NEEDS_TURN ? (status) => turnAfter(() => onReadable(status)) : onReadable);
  handle.unref();
  if (open.size === 0) process.on('exit', endWatches);
  open.add(handle);
  return () => {
    handle.close();
    if (open.delete(handle) && open.size === 0) process.off('exit', endWatches);
  };
}

// Node runs the loop once more while it tears down its environment and JavaScript cannot run: an event that koffi delivers then
// aborts the process
function endWatches(): void {
  for (const handle of open) handle.close();
  open.clear();
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
