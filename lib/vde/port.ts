import { inspect } from 'node:util';
import { AbortError } from '../core/errors.js';
import { registerFinalizer } from '../core/finalization.js';
import {
  checkBytes,
  checkInteger,
  checkOptions,
  checkSignal,
  checkString,
  INT_MAX,
  invalidType,
  invalidValue,
  outOfRange,
} from '../core/validate.js';
import type { Operation } from '../io/wait-queue.js';
import type { Connection } from './connection.js';
import { MAX_FRAME_SIZE, MIN_FRAME_SIZE } from './frame-source.js';
import type { NetworkOptions } from './locator.js';
import { openConnection } from './open.js';
import { Receive, ReceiveBatch, ReceiveInto, Send, SendBatch } from './operations.js';

/** How {@link VdePort.open} joins. */
export interface VdePortOptions {
  /** What the switch shows of the port, up to 100 bytes: 'ioth' unless it is given. */
  description?: string;
  /** The port of the switch, from 1 to 255; any where it is not given. For vde:// only. */
  port?: number;
  /** The group that owns the port's sockets: its name or number. Of a switch:// or hub://, who may join. */
  group?: string;
  /** The permissions of the port's sockets: 0o700 unless it is given. Of a switch:// or hub://, who may join: 0o600. */
  mode?: number;
  /** How many milliseconds the network has to answer: 10000 unless it is given. */
  timeout?: number;
  /** Ends the wait. */
  signal?: AbortSignal;
}

/** How an operation of a port waits. */
export interface VdeWaitOptions {
  /** How many milliseconds it may wait: null, for ever, unless it is given; 0 not at all (it fails with EAGAIN). */
  timeout?: number | null;
  /** Ends the wait. */
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
 * An Ethernet port on a virtual network: whole frames in, whole frames out, from the destination's MAC to the last byte of data
 * (there is no checksum at the end). `await VdePort.open(vnl)` makes one.
 *
 * @see vde_open(3), vde_recv(3), vde_send(3)
 */
export class VdePort {
  /** The virtual network locator that it was opened with. */
  readonly vnl: string;
  readonly #connection: Connection;

  /** @internal use {@link VdePort.open} */
  constructor(key: symbol, vnl: string, connection: Connection) {
    if (key !== KEY) throw invalidValue('key', 'unknown to callers: VdePort.open(vnl) makes ports', key);
    this.vnl = vnl;
    this.#connection = connection;
    registerFinalizer(this, 'VdePort', connection);
  }

  /**
   * vde_open(3), on a thread of its own: the loop goes on.
   * @param vnl 'vde:///tmp/sw' joins a switch; 'switch://PATH', 'hub://PATH' make one, of which this is a port; 'ptp://PATH',
   * 'seqpacket://FD', 'cmd://COMMAND', 'null://' … see the manual pages libvdeplug_vde(1) and so on
   * @throws {IothError} ENOENT, ECONNREFUSED (no switch there), EADDRINUSE (somebody makes a switch there already), EEXIST,
   * EACCES, EPROTONOSUPPORT (no such plugin), ENAMETOOLONG, EMFILE, ETIMEDOUT
   * @throws {AbortError} when `signal` came first
   * @throws {LibraryNotFoundError} where libvdeplug is not on the machine
   * @throws {TypeError | RangeError} for arguments that make no sense
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

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#connection.closed;
  }

  /** How many frames came to a switch or hub of this port's own while 1024 waited to be received: they are lost. */
  get dropped(): number {
    return this.#connection.source.dropped;
  }

  /**
   * vde_recv(3).
   * @returns one frame; an empty Buffer once the network is gone and all that came from it was received
   * @throws {IothError} ETIMEDOUT, EAGAIN (timeout 0), ECANCELED (closed meanwhile), EBADF (closed before)
   * @throws {AbortError} when `signal` came first
   */
  recv(options?: VdeWaitOptions): Promise<Buffer> {
    return this.#run((port) => new Receive(port.use('vde_recv')), options);
  }

  /**
   * vde_recv(3) into the caller's bytes: nothing is allocated.
   * @param buffer what of a frame has no room in it is lost: 9234 bytes are enough for any
   * @returns how many bytes came; 0 as {@link recv} gives an empty Buffer
   * @throws as {@link recv}
   */
  recv_into(buffer: NodeJS.ArrayBufferView, options?: VdeWaitOptions): Promise<number> {
    return this.#run((port) => new ReceiveInto(port.use('vde_recv'), checkRoom(buffer)), options);
  }

  /**
   * Receives what is there: one frame at least, without a wait for more.
   * @param max how many at most
   * @returns the frames in their order; none as {@link recv} gives an empty Buffer
   * @throws as {@link recv}
   */
  recvBatch(max: number = DEFAULT_BATCH, options?: VdeWaitOptions): Promise<Buffer[]> {
    return this.#run((port) => {
      checkInteger('max', max, 1, MAX_BATCH);
      return new ReceiveBatch(port.use('vde_recv'), max);
    }, options);
  }

  /**
   * vde_send(3). Waits while the queue of the switch is full. What a switch or hub of this port's own cannot deliver at once
   * is lost, as on a real one.
   * @param frame 14 to 9234 bytes: destination, source, type, data
   * @throws {IothError} EPIPE (the network is gone), ETIMEDOUT, EAGAIN (timeout 0), ECANCELED, EBADF
   * @throws {AbortError} when `signal` came first
   */
  send(frame: NodeJS.ArrayBufferView, options?: VdeWaitOptions): Promise<void> {
    return this.#run((port) => {
      const bytes = checkFrame('frame', frame);
      return new Send(port.use('vde_send'), bytes);
    }, options);
  }

  /**
   * Sends as many frames as are taken without a wait, but one at least; like sendmmsg(2).
   * @returns how many were taken: the first so many
   * @throws as {@link send}: none was taken
   */
  sendBatch(frames: readonly NodeJS.ArrayBufferView[], options?: VdeWaitOptions): Promise<number> {
    return this.#run((port) => {
      if (!Array.isArray(frames)) throw invalidType('frames', 'an array of frames', frames);
      // map would leave out what a sparse array lacks
      const bytes = Array.from(frames, (frame, i) => checkFrame(`frames[${i}]`, frame));
      return new SendBatch(port.use('vde_send'), bytes);
    }, options);
  }

  /** The frames that come, until the network is gone or the port is closed. @throws as {@link recv} */
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

  /** Lets a pending operation keep the process alive (the default). */
  ref(): this {
    this.#connection.source.setRef(true);
    return this;
  }

  /** Lets the process end though an operation is pending. */
  unref(): this {
    this.#connection.source.setRef(false);
    return this;
  }

  /**
   * vde_close(3). What waits is rejected with ECANCELED; a switch or hub of this port's own ends for all its peers. Closing
   * twice is fine.
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

  // make() checks the arguments: what it throws is the promise's rejection too
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
