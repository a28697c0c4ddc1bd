import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Link, type LinkOptions } from '../../lib/lab/index.js';
import { VdePort } from '../../lib/vde/index.js';
import { expectNothingLeft, holdings } from './leaks.js';
import { temporaryDirectory } from './network.js';
import { frameOf, macOf, TEST_TYPE } from './vde.js';

/** A link, and a port at each of its ends. */
export interface LinkedPorts {
  readonly link: Link;
  readonly a: VdePort;
  readonly b: VdePort;
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
  return {
    link,
    a,
    b,
    async close() {
      await a.close();
      await b.close();
      await link.close();
      const left = readdirSync(join(dir, 'ends'));
      rmSync(dir, { recursive: true, force: true });
      expect(left).toEqual([]);
      await expectNothingLeft(before);
    },
  };
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

/** All frames that come, until none does for `pause` milliseconds. */
export async function receiveAll(port: VdePort, pause: number): Promise<Buffer[]> {
  const frames: Buffer[] = [];
  for (;;) {
    try {
      frames.push(...(await port.recvBatch(64, { timeout: pause })));
    } catch (error) {
      if ((error as { code?: string }).code === 'ETIMEDOUT') return frames;
      throw error;
    }
  }
}
