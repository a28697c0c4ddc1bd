import { Socket as DatagramSocket } from 'node:dgram';
import { Server, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { IothError } from '../core/errors.js';

/** What is used of a handle of Node's that has a descriptor. */
export interface OpenHandle {
  close(callback?: () => void): void;
  readonly writeQueueSize?: number;
}

const PAUSE_MS = 5;
/** A FIN is on its way at once; nobody has to take it. */
const FIN_TIMEOUT_MS = 50;

/** The 'close' events of what was destroyed come within a few turns of the loop. */
const EVENTS_TIMEOUT_MS = 1000;

/** The TLS sockets over sockets. */
const wrappers = new WeakMap<Socket, Socket>();

/** What is written to `wrapper` goes through `socket`. */
export function noteWrapped(socket: Socket, wrapper: Socket): void {
  wrappers.set(socket, wrapper);
}

/** The handles of Node's on one stack, and how they end. */
export class OpenHandles {
  readonly #owners = new Map<OpenHandle, () => unknown>();

  /** @param owner returns the socket or server whose handle it is, where there is one yet */
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
   * Closes servers and sockets in Node's way: a connection ends when what was written is with the kernel. Settles after
   * their 'close' events.
   * @param stallMs how long to wait while no peer takes anything; then they are destroyed
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

  /** Closes all descriptors now: what the kernel does not have yet is lost, and events come when the loop turns. */
  destroy(error?: IothError): void {
    for (const owner of this.#each()) destroyOwner(owner, error);
    this.closeSilently();
  }

  /** The same at the end of the process: nobody hears of it. */
  closeSilently(): void {
    for (const handle of [...this.#owners.keys()]) handle.close();
  }

  #each(): unknown[] {
    return [...this.#owners.values()].map((owner) => owner()).filter(Boolean);
  }

  /** Bytes that are still to be given to the kernel. */
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
    if (outer.connecting) outer.destroy();
    else outer.destroySoon();
  }
}

function destroyOwner(owner: unknown, error: IothError | undefined): void {
  if (owner instanceof Socket) {
    owner.destroy(error);
    return;
  }
  if (!(owner instanceof Server) && !(owner instanceof DatagramSocket)) return;
  // without a listener it is the stack's own 'error' that says so
  if (error && owner.listenerCount('error') > 0) owner.emit('error', error);
  if (owner instanceof Server) owner.close();
  else closeDatagrams(owner);
}

function closeDatagrams(socket: DatagramSocket): void {
  try {
    socket.close();
  } catch {
    // it was closed before
  }
}
