import { inspect } from 'node:util';
import { AbortError } from '../core/errors.js';
import { registerFinalizer } from '../core/finalization.js';
import {
  checkBytes,
  checkEach,
  checkInteger,
  checkOptions,
  checkSignal,
  checkString,
  INT_MAX,
  invalidValue,
  outOfRange,
} from '../core/validate.js';
import { READABLE, WRITABLE } from '../io/poll-handle.js';
import type { Operation } from '../io/wait-queue.js';
import type { Connection } from './connection.js';
import { MAX_FRAME_SIZE, MIN_FRAME_SIZE } from './frame-source.js';
import type { NetworkOptions } from './locator.js';
import { openConnection } from './open.js';
import { PortOperation, receiveBatch, receiveFrame, receiveInto, sendBatch, sendFrame } from './operations.js';

/** The options of {@link VdePort.open}. */
export interface VdePortOptions {
  /** The text that the switch shows for the port, up to 100 bytes; 'ioth' by default. */
  description?: string;
  /** The port of the switch, from 1 to 255; any free port by default. Only for vde://. */
  port?: number;
  /** The group that owns the port's sockets, by name or number. For a switch:// or hub://, the group that may join. */
  group?: string;
  /** The mode of the port's sockets; 0o700 by default. For a switch:// or hub://, the mode to join it; 0o600 by default. */
  mode?: number;
  /** The time that the network has to answer, in milliseconds; 10000 by default. */
  timeout?: number;
  /** The signal that ends the wait. */
  signal?: AbortSignal;
}

/** The options of an operation of a port. */
export interface VdeWaitOptions {
  /** The longest wait in milliseconds; null (the default) waits for ever, 0 does not wait (it fails with EAGAIN). */
  timeout?: number | null;
  /** The signal that ends the wait. */
  signal?: AbortSignal;
}

const OPEN_TIMEOUT_MS = 10_000;
const MAX_DESCRIPTION = 100;
const MAX_PORT = 255;
const MAX_MODE = 0o777;
const DEFAULT_BATCH = 64;
const MAX_BATCH = 65536;
const KEY = Symbol('VdePort');

/**
 * An Ethernet port on a virtual network. It sends and receives whole frames, from the destination's MAC to the last byte of data,
 * without a checksum at the end. `await VdePort.open(vnl)` creates one.
 *
 * @see vde_open(3), vde_recv(3), vde_send(3)
 */
export class VdePort {
  /** The virtual network locator that the port was opened with. */
  readonly vnl: string;
  readonly #connection: Connection;

  /** @internal use {@link VdePort.open} */
  constructor(key: symbol, vnl: string, connection: Connection) {
    if (key !== KEY) throw invalidValue('key', 'internal: create ports with VdePort.open(vnl)', key);
    this.vnl = vnl;
    this.#connection = connection;
    registerFinalizer(this, 'VdePort', connection);
  }

  /**
   * Opens a port: vde_open(3) on a worker thread, without blocking the event loop.
   * @param vnl 'vde:///tmp/sw' joins a switch; 'switch://PATH', 'hub://PATH' create one, of which this is a port; 'ptp://PATH',
   * 'seqpacket://FD', 'cmd://COMMAND', 'null://' … see libvdeplug_vde(1) and the other manual pages
   * @throws {IothError} ENOENT, ECONNREFUSED (no switch there), EADDRINUSE (a switch is there already), EEXIST,
   * EACCES, EPROTONOSUPPORT (no such plugin), ENAMETOOLONG, EMFILE, ETIMEDOUT
   * @throws {AbortError} if `signal` was aborted first
   * @throws {LibraryNotFoundError} if libvdeplug is not installed
   * @throws {TypeError | RangeError} for invalid arguments
   */
  static async open(vnl: string, options?: VdePortOptions): Promise<VdePort> {
    checkString('vnl', vnl);
    const given = checkOptions(options, ['description', 'port', 'group', 'mode', 'timeout', 'signal']);
    const request = {
      vnl,
      description: checkDescription(given.description),
      options: checkNetworkOptions(given),
      timeout: checkInteger('options.timeout', given.timeout ?? OPEN_TIMEOUT_MS, 1, INT_MAX),
      signal: checkSignal(given.signal),
    };
    if (request.signal?.aborted) throw new AbortError(request.signal.reason);
    return new VdePort(KEY, vnl, await openConnection(request));
  }

  /** True once the port was closed. */
  get closed(): boolean {
    return this.#connection.closed;
  }

  /** The number of frames that were lost because 1024 already waited to be received. Counted for an own switch or hub only. */
  get dropped(): number {
    return this.#connection.source.dropped;
  }

  /**
   * Receives one frame: vde_recv(3).
   * @returns one frame; an empty Buffer once the network is gone and all its frames were received
   * @throws {IothError} ETIMEDOUT, EAGAIN (timeout 0), ECANCELED (closed during the wait), EBADF (closed before)
   * @throws {AbortError} if `signal` was aborted first
   */
  recv(options?: VdeWaitOptions): Promise<Buffer> {
    return this.#run((port) => new PortOperation(READABLE, port.use('vde_recv'), receiveFrame, undefined), options);
  }

  /**
   * Receives one frame into the caller's bytes, without an allocation: vde_recv(3).
   * @param buffer the target; the rest of a longer frame is lost; 9234 bytes are enough for any frame
   * @returns the number of bytes received; 0 when {@link recv} would return an empty Buffer
   * @throws like {@link recv}
   */
  recv_into(buffer: NodeJS.ArrayBufferView, options?: VdeWaitOptions): Promise<number> {
    return this.#run(
      (port) => new PortOperation(READABLE, port.use('vde_recv'), receiveInto, checkRoom(buffer)),
      options,
    );
  }

  /**
   * Receives the frames that are there: waits for one, but not for more.
   * @param max the most frames to return, from 1 to 65536; 64 by default
   * @returns the frames in their order; none when {@link recv} would return an empty Buffer
   * @throws like {@link recv}
   */
  recvBatch(max: number = DEFAULT_BATCH, options?: VdeWaitOptions): Promise<Buffer[]> {
    return this.#run((port) => {
      checkInteger('max', max, 1, MAX_BATCH);
      return new PortOperation(READABLE, port.use('vde_recv'), receiveBatch, max);
    }, options);
  }

  /**
   * Sends one frame: vde_send(3). Waits while the queue of the switch is full. A switch or hub of this port's own loses frames
   * that it cannot deliver at once, as a real one does.
   * @param frame 14 to 9234 bytes: destination, source, type, data
   * @throws {IothError} EPIPE (the network is gone), ETIMEDOUT, EAGAIN (timeout 0), ECANCELED, EBADF
   * @throws {AbortError} if `signal` was aborted first
   */
  send(frame: NodeJS.ArrayBufferView, options?: VdeWaitOptions): Promise<void> {
    return this.#run((port) => {
      const bytes = checkFrame('frame', frame);
      return new PortOperation(WRITABLE, port.use('vde_send'), sendFrame, bytes);
    }, options);
  }

  /**
   * Sends as many frames as the network accepts without a wait, at least one; like sendmmsg(2).
   * @returns the number of frames that were sent, from the start of `frames`
   * @throws like {@link send}; no frame was sent then
   */
  sendBatch(frames: readonly NodeJS.ArrayBufferView[], options?: VdeWaitOptions): Promise<number> {
    return this.#run((port) => {
      const bytes = checkEach('frames', 'an array of frames', frames, checkFrame);
      return new PortOperation(WRITABLE, port.use('vde_send'), sendBatch, bytes);
    }, options);
  }

  /** Returns the received frames, until the network is gone or the port is closed. @throws like {@link recv} */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    while (!this.closed) {
      let frame: Buffer;
      try {
        frame = await this.recv();
      } catch (error) {
        if (this.closed) return;
        throw error;
      }
      if (frame.length === 0) return;
      yield frame;
    }
  }

  /** Makes pending operations keep the process alive (the default). */
  ref(): this {
    this.#connection.source.setRef(true);
    return this;
  }

  /** Lets the process end while operations are pending. */
  unref(): this {
    this.#connection.source.setRef(false);
    return this;
  }

  /**
   * Closes the port: vde_close(3). Pending operations are rejected with ECANCELED. A switch or hub of this port's own ends for
   * all its peers. Closing twice is fine.
   */
  close(): Promise<void> {
    return this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [inspect.custom](): string {
    return `VdePort <${this.closed ? 'closed' : 'open'}, ${this.vnl}>`;
  }

  // make() checks the arguments: its errors reject the promise too
  #run<T>(make: (connection: Connection) => Operation<T>, options: VdeWaitOptions | undefined): Promise<T> {
    try {
      const [timeout, signal] = waitOf(options);
      const operation = make(this.#connection);
      return this.#connection.source.run(operation, this, timeout, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

function waitOf(options: VdeWaitOptions | undefined): [timeout: number | null, signal: AbortSignal | undefined] {
  if (options === undefined) return [null, undefined];
  const { timeout = null, signal } = checkOptions(options, ['timeout', 'signal']);
  if (timeout !== null) checkInteger('options.timeout', timeout, 0, INT_MAX);
  return [timeout, checkSignal(signal)];
}

function checkDescription(value: unknown): string {
  if (value === undefined) return 'ioth';
  const description = checkString('options.description', value);
  if (Buffer.byteLength(description) <= MAX_DESCRIPTION) return description;
  throw outOfRange('options.description', `a string of ${MAX_DESCRIPTION} bytes at most`, value);
}

function checkNetworkOptions({ port, group, mode }: VdePortOptions): NetworkOptions {
  return {
    port: port === undefined ? port : checkInteger('options.port', port, 1, MAX_PORT),
    group: group === undefined ? group : checkString('options.group', group),
    mode: mode === undefined ? mode : checkInteger('options.mode', mode, 0, MAX_MODE),
  };
}

function checkFrame(name: string, value: unknown): Uint8Array {
  const bytes = checkBytes(name, value);
  if (bytes.byteLength >= MIN_FRAME_SIZE && bytes.byteLength <= MAX_FRAME_SIZE) return bytes;
  throw outOfRange(`${name}.byteLength`, `from ${MIN_FRAME_SIZE} to ${MAX_FRAME_SIZE} bytes`, bytes.byteLength);
}

function checkRoom(value: unknown): Uint8Array {
  const bytes = checkBytes('buffer', value);
  if (bytes.byteLength === 0) throw outOfRange('buffer.byteLength', 'at least one byte', 0);
  return bytes;
}
