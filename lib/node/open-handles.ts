import { Socket as DatagramSocket } from 'node:dgram';
import { Server, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { IothError } from '../core/errors.js';
import { emitAndGoOn } from '../core/typed-emitter.js';

/** The part of a Node handle with a file descriptor that is used here. */
export interface OpenHandle {
  close(callback?: () => void): void;
  readonly writeQueueSize?: number;
}

const PAUSE_MS = 5;
/** The wait if no data is queued, in milliseconds: a FIN is sent at once, and no peer has to take it. */
const FIN_TIMEOUT_MS = 50;

/** The limit for 'close' events after a destroy, in milliseconds: they come within a few turns of the event loop. */
const EVENTS_TIMEOUT_MS = 1000;

const CLOSED = 'the stack was closed';

/** The TLS socket over each socket. */
const wrappers = new WeakMap<Socket, Socket>();

/** Notes that data written to `wrapper` goes through `socket`. */
export function noteWrapped(socket: Socket, wrapper: Socket): void {
  wrappers.set(socket, wrapper);
}

/** Node's handles on one stack, and how they are closed. */
export class OpenHandles {
  readonly #owners = new Map<OpenHandle, () => unknown>();

  /** Adds a handle. @param owner returns the socket or server of the handle, if it has one yet */
  add(handle: OpenHandle, owner: () => unknown): void {
    this.#owners.set(handle, owner);
  }

  delete(handle: OpenHandle): void {
    this.#owners.delete(handle);
  }

  get size(): number {
    return this.#owners.size;
  }

  /**
   * Closes servers and sockets as Node does: a connection ends after the kernel has all written data. Settles after their 'close'
   * events.
   * @param stallMs the milliseconds to wait while no peer takes data; then the handles are destroyed
   */
  async close(stallMs: number): Promise<void> {
    for (const owner of this.#each()) closeGently(owner);
    let left = Number.POSITIVE_INFINITY;
    let progressAt = performance.now();
    while (this.#owners.size > 0) {
      await delay(PAUSE_MS);
      const now = performance.now();
      const queued = this.#queued();
      if (queued < left) progressAt = now;
      left = queued;
      const patience = queued > 0 ? stallMs : Math.min(stallMs, FIN_TIMEOUT_MS);
      if (now - progressAt >= patience) break;
    }
    this.destroy();
    const end = performance.now() + EVENTS_TIMEOUT_MS;
    while (this.#owners.size > 0 && performance.now() < end) await delay(1);
    // 'close' is emitted in the turn of the loop that closed the last handle
    await delay(0);
  }

  /** Closes all handles now. Data that the kernel does not have yet is lost. Events follow in later turns of the event loop. */
  destroy(error?: IothError): void {
    for (const owner of this.#each()) destroyOwner(owner, error);
    this.closeSilently();
  }

  /** Closes all handles without events, for the end of the process. */
  closeSilently(): void {
    for (const handle of [...this.#owners.keys()]) handle.close();
  }

  #each(): unknown[] {
    return [...this.#owners.values()].map((owner) => owner()).filter(Boolean);
  }

  /** Returns the number of bytes that the kernel does not have yet. */
  #queued(): number {
    let sum = 0;
    for (const [handle, owner] of this.#owners) {
      const socket = owner();
      sum += handle.writeQueueSize ?? 0;
      if (socket instanceof Socket) sum += (wrappers.get(socket) ?? socket).writableLength;
    }
    return sum;
  }
}

function closeGently(owner: unknown): void {
  if (owner instanceof Server) {
    owner.close();
  } else if (owner instanceof DatagramSocket) {
    closeDatagrams(owner);
  } else if (owner instanceof Socket) {
    const outer = wrappers.get(owner) ?? owner;
    // what is written during a TLS handshake is sent after it
    const hasData = !outer.connecting && outer.writableLength > 0;
    if (isConnecting(outer) && !hasData) destroySocket(outer);
    else outer.destroySoon();
  }
}

function destroyOwner(owner: unknown, error: IothError | undefined): void {
  if (owner instanceof Socket) {
    destroySocket(owner, error);
    return;
  }
  if (!(owner instanceof Server) && !(owner instanceof DatagramSocket)) return;
  // without a listener only the stack itself emits the 'error'
  if (error && owner.listenerCount('error') > 0) emitAndGoOn(owner, 'error', error);
  if (owner instanceof Server) owner.close();
  else closeDatagrams(owner);
}

/** Destroys a socket. During its connect that is an error for those who listen: undici does not wait for the 'close'. */
function destroySocket(socket: Socket, error?: IothError): void {
  const isCanceled = isConnecting(wrappers.get(socket) ?? socket) && socket.listenerCount('error') > 0;
  socket.destroy(error ?? (isCanceled ? new IothError('ECANCELED', { syscall: 'connect', hint: CLOSED }) : undefined));
}

/** Returns whether a socket connects, or makes the TLS handshake after that. */
function isConnecting(socket: Socket & { readonly secureConnecting?: boolean }): boolean {
  return socket.connecting || socket.secureConnecting === true;
}

function closeDatagrams(socket: DatagramSocket): void {
  try {
    socket.close();
  } catch {
    // it is closed already
  }
}
