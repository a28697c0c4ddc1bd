import { Writable } from 'node:stream';
import { Headers } from '../fabric/headers.js';
import { describeFrame } from '../vde/describe-frame.js';

const NANOSECONDS_A_MILLISECOND = 1_000_000n;

/** Formats nanoseconds since 1970 as 'hh:mm:ss.µµµµµµ'. */
export function clock(time: bigint): string {
  const seconds = new Date(Number(time / NANOSECONDS_A_MILLISECOND)).toTimeString().slice(0, 8);
  return `${seconds}.${String((time / 1000n) % 1_000_000n).padStart(6, '0')}`;
}

/** Returns a target for captures whose frames are only printed: they would fill up the memory. */
export function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

/** The option -v of what prints frames. */
export const VERBOSE = { short: 'v', help: 'prints the TTL of each packet too' } as const;

const headers = new Headers();

/** Describes a frame. @param isVerbose says how many routers its packet may still pass: ', ttl 64', of IPv6 ', hlim 64' */
export function frameText(frame: Buffer, isVerbose: boolean): string {
  const text = describeFrame(frame);
  if (!isVerbose) return text;
  headers.parse(frame, frame.length);
  const { family, network } = headers;
  if (family === 4) return `${text}, ttl ${frame[network + 8]}`;
  return family === 6 ? `${text}, hlim ${frame[network + 7]}` : text;
}

/** The longest time by which frames of one network come later than those of another: they come in batches. */
const BATCH_MS = 100;

/** Prints lines of several networks in the order of their times. */
export class LinesInOrder {
  readonly #lines: { readonly time: bigint; readonly text: string }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(readonly print: (text: string) => void) {}

  /** @param time in nanoseconds since 1970 */
  add(time: bigint, text: string): void {
    const after = this.#lines.findLastIndex((line) => line.time <= time) + 1;
    this.#lines.splice(after, 0, { time, text });
    this.#timer ??= setInterval(() => this.#printBefore(Date.now() - BATCH_MS), BATCH_MS / 2);
  }

  /** Prints what is left. */
  end(): void {
    clearInterval(this.#timer);
    for (const { text } of this.#lines.splice(0)) this.print(text);
  }

  #printBefore(ms: number): void {
    const limit = BigInt(ms) * NANOSECONDS_A_MILLISECOND;
    const count = this.#lines.findLastIndex(({ time }) => time < limit) + 1;
    for (const { text } of this.#lines.splice(0, count)) this.print(text);
  }
}
