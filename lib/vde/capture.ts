import type { Writable } from 'node:stream';
import { nanosecondsNow } from '../core/epoch.js';
import { IothError } from '../core/errors.js';
import { checkInteger, checkOptions, checkString, invalidType, UINT_MAX } from '../core/validate.js';
import { PcapngWriter } from './pcapng.js';
import { VdePort } from './port.js';

/** The target of a capture: a file, a stream, a shared writer; undefined for memory. */
export type CaptureTarget = string | URL | Writable | PcapngWriter | undefined;

/** The options of {@link capturePort}. */
export interface CaptureOptions {
  /** The interface's name in the capture; the locator of the network by default. */
  name?: string;
  /** The number of bytes to keep of each frame; 0 (the default) keeps whole frames. */
  snaplen?: number;
  /** Returns whether to write a frame; all frames are written by default. */
  filter?: (frame: Buffer) => boolean;
  /** Called for each written frame, with its time in nanoseconds since 1970. */
  onFrame?: (frame: Buffer, time: bigint) => void;
}

const BATCH = 256;

/** A capture of the frames that a port receives, until it is stopped or its network is gone. See {@link capturePort}. */
export class Capture {
  /** Settles when the capture ends. Rejects if the port, the target or a callback failed. */
  readonly done: Promise<void>;
  readonly #abort = new AbortController();
  readonly #writer: PcapngWriter;
  #frames = 0;
  #bytes = 0;

  /** @internal use {@link capturePort} */
  constructor(port: VdePort, writer: PcapngWriter, options: CaptureOptions, finish: () => Promise<void>) {
    this.#writer = writer;
    const id = writer.addInterface(options.name ?? port.vnl, { snaplen: options.snaplen });
    this.done = this.#run(port, id, options).finally(finish);
    // avoids an unhandled rejection when neither `done` nor stop() is awaited
    this.done.catch(() => {});
  }

  /** The number of frames that were written. */
  get frames(): number {
    return this.#frames;
  }

  /** The number of bytes of these frames. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Ends the capture when all received frames are written, or when the target accepted no data for five seconds. Stopping twice
   * is fine.
   * @throws the rejection of {@link done}; {IothError} ETIMEDOUT
   */
  stop(): Promise<void> {
    this.#abort.abort();
    return this.done;
  }

  /** Returns the capture so far, if it is in memory. */
  toBuffer(): Buffer {
    return this.#writer.toBuffer();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(port: VdePort, id: number, { filter, onFrame }: CaptureOptions): Promise<void> {
    for (;;) {
      const frames = await this.#receive(port);
      if (frames.length === 0) return;
      const time = nanosecondsNow();
      for (const frame of frames) {
        if (filter && !filter(frame)) continue;
        this.#writer.writeFrame(id, frame, { time });
        this.#frames++;
        this.#bytes += frame.length;
        onFrame?.(frame, time);
      }
      // a slow target fills the network's queue, not the memory
      await this.#writer.flushUntil(this.#abort.signal);
    }
  }

  /** Returns the next frames; none at the end, and once the capture was stopped and no frame is left. */
  async #receive(port: VdePort): Promise<Buffer[]> {
    const { signal } = this.#abort;
    try {
      return await port.recvBatch(BATCH, signal.aborted ? { timeout: 0 } : { signal });
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (port.closed || (signal.aborted && code === 'EAGAIN')) return [];
      if (signal.aborted && code === 'ABORT_ERR') return this.#receive(port);
      throw error;
    }
  }
}

/**
 * Writes the frames that a port receives, as pcapng.
 *
 * A switch sends a port only broadcasts and frames for a MAC that it has not learned. To capture all frames, use a
 * hub: `hub://`, or vde_switch with `--hub`.
 * @param source a locator, which is joined for the capture, or a port, which stays open
 * @param target the path or URL of a file; a stream, which is ended; or a {@link PcapngWriter}, which is not; memory by default
 * @throws {IothError} like VdePort.open; and the errors of fs.open
 */
export async function capturePort(
  source: string | VdePort,
  target?: CaptureTarget,
  options?: CaptureOptions,
): Promise<Capture> {
  const checked = checkCaptureOptions(options, ['name', 'snaplen', 'filter', 'onFrame']);
  if (!(source instanceof VdePort)) checkString('source', source);
  else if (source.closed) throw new IothError('EBADF', { syscall: 'vde_recv', hint: 'the port is closed' });
  const port = source instanceof VdePort ? source : await VdePort.open(source, { description: 'ioth capture' });
  let writer: PcapngWriter | undefined;
  const finish = async () => {
    if (port !== source) await port.close();
    if (writer !== target) await writer?.end();
  };
  try {
    writer = await writerTo(target);
    return new Capture(port, writer, checked, finish);
  } catch (error) {
    await finish().catch(() => {});
    throw error;
  }
}

/** Returns a writer to a target. @throws {Error} of fs.open @internal */
export function writerTo(target: CaptureTarget): PcapngWriter | Promise<PcapngWriter> {
  if (target instanceof PcapngWriter) return target;
  if (typeof target === 'string' || target instanceof URL) return PcapngWriter.toFile(target);
  return new PcapngWriter(target);
}

/** Checks the options of a capture that has some of these. @throws {TypeError | RangeError} @internal */
export function checkCaptureOptions<T extends { [K in keyof CaptureOptions]?: unknown }>(
  options: T | undefined,
  names: readonly (keyof T & string)[],
): T {
  const checked = checkOptions(options, names);
  if (checked.name !== undefined) checkString('options.name', checked.name);
  if (checked.snaplen !== undefined) checkInteger('options.snaplen', checked.snaplen, 0, UINT_MAX);
  for (const name of ['filter', 'onFrame'] as const) {
    const value: unknown = checked[name];
    if (value !== undefined && typeof value !== 'function') throw invalidType(`options.${name}`, 'a function', value);
  }
  return checked;
}
