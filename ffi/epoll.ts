import { Socket } from 'node:net';
import { errno } from './ioth.js';
import { libc } from './libc.js';

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 1;
export const EPOLLOUT = 4;
export const EPOLLERR = 8;
export const EPOLLHUP = 16;

// struct epoll_event is packed on x86-64 alone: uint32_t events; epoll_data_t data
const DATA_OFFSET = process.arch === 'x64' ? 4 : 8;
const EVENT_SIZE = DATA_OFFSET + 8;
const MOST_EVENTS = 256;

/** What is used of Node's internal stream handle. */
interface PipeHandle {
  open(fd: number): number;
  readStart(): number;
  unref(): void;
  onread: () => void;
}

/**
 * One epoll(7) for the watches of a worker thread, itself watched by a stream of Node's own.
 *
 * koffi's poll aborts the whole process when it has an event to tell to a worker that worker.terminate() is ending. Node's
 * streams know better. The stream is on the epoll descriptor: it reads when something is ready, the read fails with
 * EINVAL, and that is the event.
 */
export class Epoll {
  readonly #fd: number;
  readonly #pipe: PipeHandle;
  readonly #callbacks = new Map<number, (events: number) => void>();
  readonly #events = Buffer.alloc(MOST_EVENTS * EVENT_SIZE);

  /** @throws where Node's insides are not what they were: watch otherwise then */
  constructor() {
    const Pipe = pipeConstructor();
    this.#fd = libc().epoll_create1(EPOLL_CLOEXEC);
    if (this.#fd < 0) throw new Error(`epoll_create1: errno ${errno()}`);
    this.#pipe = new Pipe(0);
    this.#pipe.onread = () => {
      // an error is a stream's end: it is opened anew, when this callback is over
      setImmediate(() => this.#read());
      this.#dispatch();
    };
    this.#read();
    this.#pipe.unref();
  }

  add(fd: number, events: number, callback: (events: number) => void): void {
    this.#callbacks.set(fd, callback);
    this.#control(EPOLL_CTL_ADD, fd, events);
  }

  /** Errors and hang-ups are told of always. */
  change(fd: number, events: number): void {
    this.#control(EPOLL_CTL_MOD, fd, events);
  }

  /** Watches it no more, errors neither. */
  pause(fd: number): void {
    this.#control(EPOLL_CTL_DEL, fd, 0);
  }

  resume(fd: number, events: number): void {
    this.#control(EPOLL_CTL_ADD, fd, events);
  }

  forget(fd: number): void {
    this.#callbacks.delete(fd);
  }

  #read(): void {
    this.#pipe.open(this.#fd);
    this.#pipe.readStart();
  }

  #dispatch(): void {
    const count = libc().epoll_wait(this.#fd, this.#events, MOST_EVENTS, 0);
    const ready = Array.from({ length: Math.max(0, count) }, (_, i) => {
      const at = i * EVENT_SIZE;
      return [this.#events.readInt32LE(at + DATA_OFFSET), this.#events.readUInt32LE(at)] as const;
    });
    for (const [fd, events] of ready) this.#callbacks.get(fd)?.(events);
  }

  #control(operation: number, fd: number, events: number): void {
    const event = Buffer.alloc(EVENT_SIZE);
    event.writeUInt32LE(events, 0);
    event.writeInt32LE(fd, DATA_OFFSET);
    libc().epoll_ctl(this.#fd, operation, fd, event);
  }
}

function pipeConstructor(): new (type: number) => PipeHandle {
  const pair = new Int32Array(2);
  const AF_UNIX = 1;
  const SOCK_STREAM = 1;
  if (libc().socketpair(AF_UNIX, SOCK_STREAM | EPOLL_CLOEXEC, 0, new Uint8Array(pair.buffer)) < 0) {
    throw new Error(`socketpair: errno ${errno()}`);
  }
  const [ours = -1, other = -1] = pair;
  libc().close(other);
  const probe = new Socket({ fd: ours, readable: false, writable: false });
  const handle = (probe as unknown as { _handle?: PipeHandle })._handle;
  probe.destroy();
  if (typeof handle?.open !== 'function' || typeof handle.readStart !== 'function') throw new Error('no pipe handle');
  return handle.constructor as new (
    type: number,
  ) => PipeHandle;
}
