import type { Writable } from 'node:stream';
import { IothError } from '../core/errors.js';
import { checkInteger, checkOptions, checkString, invalidType, UINT_MAX } from '../core/validate.js';
import { nanosecondsNow, PcapngWriter } from './pcapng.js';
import { VdePort } from './port.js';

/** Where a capture goes: a file, a stream, a writer that others write to as well; undefined for memory. */
export type CaptureTarget = string | URL | Writable | PcapngWriter | undefined;

/** How {@link capturePort} captures. */
export interface CaptureOptions {
  /** The interface's name in the capture: the locator of the network unless it is given. */
  name?: string;
  /** How much of a frame is kept, in bytes; 0, all of it, unless it is given. */
  snaplen?: number;
  /** Which frames are written: all unless it is given. */
  filter?: (frame: Buffer) => boolean;
  /** Called for each frame that is written, with its time in nanoseconds since 1970. */
  onFrame?: (frame: Buffer, time: bigint) => void;
}

const BATCH = 256;

/** A port that writes what it hears, until it is stopped or its network is gone. {@link capturePort} makes one. */
export class Capture {
  /** Settles when it ends: rejected where the port, the target or a callback failed. */
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
    // stop() reports it; who never stops a capture that failed is not ended by it
    this.done.catch(() => {});
  }

  /** How many frames were written. */
  get frames(): number {
    return this.#frames;
  }

  /** How many bytes they had. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Ends it, when all that had come was written, or the target took nothing for five seconds. Stopping twice is fine.
   * @throws what {@link done} is rejected with; {IothError} ETIMEDOUT
   */
  stop(): Promise<void> {
    this.#abort.abort();
    return this.done;
  }

  /** The capture so far, where it is in memory. */
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
      // a target that is slow makes the network's queue fill up, not the memory
      await this.#writer.flushUntil(this.#abort.signal);
    }
  }

  /** None at the end, and once it was stopped and nothing is left. */
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
 * Writes what a port hears, as pcapng.
 *
 * A switch gives a port only what is for all, or for a MAC that it has not learned: to hear everything, let the network be a
 * hub: `hub://`, or vde_switch with `--hub`.
 * @param source a locator, joined for the capture, or a port, which stays open
 * @param target a file's path or URL, a stream, which is ended, a {@link PcapngWriter}, which is not; without it, memory
 * @throws {IothError} as VdePort.open; and the errors of fs.open
 */
export async function capturePort(
  source: string | VdePort,
  target?: CaptureTarget,
  options?: CaptureOptions,
): Promise<Capture> {
  const checked = checkCaptureOptions(options);
  if (!(source instanceof VdePort)) checkString('source', source);
  else if (source.closed) throw new IothError('EBADF', { syscall: 'vde_recv', hint: 'the port is closed' });
  const port = source instanceof VdePort ? source : await VdePort.open(source, { description: 'ioth capture' });
  const closePort = async () => {
    if (port !== source) await port.close();
  };
  try {
    const writer = await writerOf(target);
    return new Capture(port, writer, checked, async () => {
      await closePort();
      if (writer !== target) await writer.end();
    });
  } catch (error) {
    await closePort();
    throw error;
  }
}

function writerOf(target: CaptureTarget): PcapngWriter | Promise<PcapngWriter> {
  if (target instanceof PcapngWriter) return target;
  if (typeof target === 'string' || target instanceof URL) return PcapngWriter.toFile(target);
  return new PcapngWriter(target);
}

function checkCaptureOptions(options: CaptureOptions | undefined): CaptureOptions {
  const checked = checkOptions(options, ['name', 'snaplen', 'filter', 'onFrame']);
  if (checked.name !== undefined) checkString('options.name', checked.name);
  if (checked.snaplen !== undefined) checkInteger('options.snaplen', checked.snaplen, 0, UINT_MAX);
  for (const name of ['filter', 'onFrame'] as const) {
    const value: unknown = checked[name];
    if (value !== undefined && typeof value !== 'function') throw invalidType(`options.${name}`, 'a function', value);
  }
  return checked;
}
