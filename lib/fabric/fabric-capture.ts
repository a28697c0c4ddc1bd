import type { PcapngWriter } from '../vde/pcapng.js';
import type { FrameBatch } from './recorder.js';
import type { WorkerThread } from './worker-thread.js';

/** What became of a frame. */
export interface FrameFate {
  /** The host or port that it came from. */
  readonly from: string;
  /** The host or port that it was for, by its MAC address; undefined if it was for all others. */
  readonly to: string | undefined;
  /** What was done to it on purpose, and why it was lost: 'dropped: loss'. Undefined if it was only passed on. */
  readonly comment: string | undefined;
}

/** Options of a capture. */
export interface FabricCaptureOptions {
  /** The number of bytes of a frame that are kept. Default 0: all of them. */
  snaplen?: number;
  /** Returns whether a frame is written. Default: all frames are. */
  filter?: (frame: Buffer, port: string) => boolean;
  /** Called for each written frame, with its time in nanoseconds since 1970, and what became of it. */
  onFrame?: (frame: Buffer, time: bigint, fate: FrameFate) => void;
}

/** Writes the frames of a network: an interface for each port, and a frame once, when it came from its port. */
export class BatchWriter {
  frames = 0;
  bytes = 0;
  readonly #interfaces: number[] = [];

  constructor(
    readonly writer: PcapngWriter,
    readonly options: FabricCaptureOptions,
  ) {}

  /** Writes a batch of frames. @throws the error of a callback */
  write(names: readonly string[], { records, bytes }: FrameBatch): void {
    const { snaplen, filter, onFrame } = this.options;
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    for (const { time, station, to, length, originalLength, comment } of records) {
      const frame = all.subarray(at, at + length);
      at += length;
      if (filter && !filter(frame, names[station]!)) continue;
      while (this.#interfaces.length <= station) {
        this.#interfaces.push(this.writer.addInterface(names[this.#interfaces.length]!, { snaplen }));
      }
      this.writer.writeFrame(this.#interfaces[station]!, frame, {
        time,
        comment,
        direction: 'inbound',
        originalLength,
      });
      this.frames++;
      this.bytes += originalLength;
      onFrame?.(frame, time, { from: names[station]!, to: names[to], comment });
    }
  }
}

/** A capture of a network, until it is stopped or the network is closed. */
export class FabricCapture {
  /** Settles when the capture ends. Rejects if the target or a callback failed. */
  readonly done: Promise<void>;
  readonly #thread: WorkerThread;
  readonly #where: [network: string, capture: number];
  readonly #batches: BatchWriter;
  readonly #isShared: boolean;
  #finish: (error?: unknown) => void = () => {};
  #writing: Promise<void> = Promise.resolve();
  readonly #abort = new AbortController();
  #stopping: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;
  #missed = 0;

  /**
   * @internal use the capture method of a network or link
   * @param isShared whether others write to the writer too, and end it
   */
  constructor(
    thread: WorkerThread,
    where: [network: string, capture: number],
    writer: PcapngWriter,
    options: FabricCaptureOptions & { isShared: boolean },
  ) {
    this.#thread = thread;
    this.#where = where;
    this.#isShared = options.isShared;
    this.#batches = new BatchWriter(writer, options);
    this.done = new Promise((resolve, reject) => {
      this.#finish = (error) => (error === undefined ? resolve() : reject(error));
    });
    // stop() reports the failure; without a stop() it must not become an unhandled rejection
    this.done.catch(() => {});
    thread.captures.set(where[1], {
      take: (names, batch) => this.#onBatch(names, batch),
      end: () => this.stop().catch(() => {}),
    });
  }

  /** The number of frames that were written. */
  get frames(): number {
    return this.#batches.frames;
  }

  /** The number of bytes of these frames, before `snaplen` cut them. */
  get bytes(): number {
    return this.#batches.bytes;
  }

  /** The number of frames that are missing, because 64 MiB of others waited to be written. It is 0 until {@link stop} is done. */
  get missed(): number {
    return this.#missed;
  }

  #onBatch(names: readonly string[], batch: FrameBatch): void {
    if (this.#failure) return;
    this.#writing = this.#writing.then(() => this.#write(names, batch));
  }

  async #write(names: readonly string[], batch: FrameBatch): Promise<void> {
    if (this.#failure) return;
    try {
      this.#batches.write(names, batch);
      await this.#batches.writer.flushUntil(this.#abort.signal);
      // a slow target makes the capture miss frames, but does not fill the memory
      this.#thread.call('captureTaken', ...this.#where, batch.bytes.length).catch(() => {});
    } catch (error) {
      this.#failure = { error };
      void this.stop().catch(() => {});
    }
  }

  /**
   * Ends the capture after all earlier frames are written, or after the target took nothing for five seconds. Stopping twice is
   * fine.
   * @throws the error of {@link done}; {IothError} ETIMEDOUT
   */
  stop(): Promise<void> {
    this.#abort.abort();
    this.#stopping ??= this.#stop();
    return this.done;
  }

  async #stop(): Promise<void> {
    try {
      this.#missed = await this.#thread.call('stopCapture', ...this.#where);
    } catch {
      // the thread is gone: everything that it sent has arrived
    }
    this.#thread.captures.delete(this.#where[1]);
    await this.#writing;
    const { writer } = this.#batches;
    try {
      await (this.#isShared ? writer.flushUntil(this.#abort.signal) : writer.end());
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#finish(this.#failure?.error);
  }

  /** Returns the capture so far, if it is in memory. */
  toBuffer(): Buffer {
    return this.#batches.writer.toBuffer();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
