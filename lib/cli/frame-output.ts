import { Writable } from 'node:stream';

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
