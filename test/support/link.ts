import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Link, type LinkOptions } from 'ioth/lab';
import { VdePort } from 'ioth/vde';
import { temporaryDirectory } from './directory.js';
import { expectNothingLeft, holdings } from './leaks.js';
import { frameOf, macOf, TEST_TYPE } from './vde.js';

/** A link, and a port at each of its ends. */
export interface LinkedPorts {
  readonly link: Link;
  readonly a: VdePort;
  b: VdePort;
  /** The directory with the cables 'a' and 'b'. */
  readonly directory: string;
  /** Closes them, and checks that the process holds what it held before and that no file is left. */
  close(): Promise<void>;
}

/** Two ports with a link between them. */
export async function linkedPorts(options?: LinkOptions): Promise<LinkedPorts> {
  const before = holdings();
  const dir = temporaryDirectory();
  mkdirSync(join(dir, 'ends'));
  const [vnlA, vnlB] = [`ptp://${dir}/ends/a`, `ptp://${dir}/ends/b`];
  const link = await Link.create(vnlA, vnlB, options);
  const a = await VdePort.open(vnlA);
  const b = await VdePort.open(vnlB);
  const ends: LinkedPorts = {
    link,
    a,
    b,
    directory: join(dir, 'ends'),
    async close() {
      await a.close();
      await ends.b.close();
      await link.close();
      const left = readdirSync(join(dir, 'ends'));
      rmSync(dir, { recursive: true, force: true });
      expect(left).toEqual([]);
      await expectNothingLeft(before);
    },
  };
  return ends;
}

/** Frame number `n` from a to b, of `length` bytes. */
export function numbered(n: number, length = 60): Buffer {
  const frame = frameOf(macOf(2), macOf(1), TEST_TYPE, Buffer.alloc(length - 14, 0x5a));
  frame.writeUInt32BE(n, 14);
  return frame;
}

export function numberOf(frame: Buffer): number {
  return frame.readUInt32BE(14);
}

/** Whether the frames of a capture came within so many milliseconds, and a later one so met the first one under way. */
export function cameWithin(milliseconds: number, times: readonly bigint[]): boolean {
  return times.at(-1)! - times[0]! < BigInt(milliseconds) * 1_000_000n;
}

/** What is there now. */
export async function drain(port: VdePort): Promise<Buffer[]> {
  try {
    return await port.recvBatch(65536, { timeout: 0 });
  } catch (error) {
    if ((error as { code?: string }).code === 'EAGAIN') return [];
    throw error;
  }
}

/** Sends frames 0 … count - 1 from a to b, and gives what comes, when nothing of it is under way any more. */
export async function transfer({ link, a, b }: LinkedPorts, count: number, length = 60): Promise<Buffer[]> {
  const { a: before, b: sentBefore } = await link.stats();
  const frames: Buffer[] = [];
  let hasSent = false;
  const isSettled = async () => {
    const { a: now, b: sent } = await link.stats();
    const dropped = sum(now.dropped) - sum(before.dropped);
    const due = now.received.frames - before.received.frames + (now.duplicated - before.duplicated) - dropped;
    const came = sent.sent.frames - sentBefore.sent.frames;
    return now.received.frames === before.received.frames + count && came === due && frames.length === came;
  };
  const receiving = (async () => {
    for (;;) {
      const more = await drain(b);
      frames.push(...more);
      if (more.length > 0) continue;
      if (hasSent && (await isSettled())) return;
      await delay(2);
    }
  })();
  for (let n = 0; n < count; n++) await a.send(numbered(n, length), { timeout: 10_000 });
  hasSent = true;
  await receiving;
  return frames;
}

function sum(counts: object): number {
  return Object.values(counts).reduce((total: number, count: number) => total + count, 0);
}
