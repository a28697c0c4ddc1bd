import { Writable } from 'node:stream';
import { Fabric } from '../../../lib/lab/index.js';
import { capturePort, PcapngWriter, VdePort } from '../../../lib/vde/index.js';
import { useDirectory } from '../../support/directory.js';
import { expectNothingLeft, holdings } from '../../support/leaks.js';
import { until } from '../../support/until.js';
import { greeting } from '../../support/vde.js';

const directory = useDirectory();
const before = holdings();
afterAll(() => expectNothingLeft(before));

const big = 'x'.repeat(9000);

/** Targets that do not take what they are given. */
const TARGETS = {
  'throws at once': () =>
    new Writable({
      write: () => {
        throw new Error('broken');
      },
    }),
  'throws later': () => {
    let chunks = 0;
    return new Writable({
      write: (_chunk, _encoding, done) => {
        if (++chunks === 3) throw new Error('broken');
        done();
      },
    });
  },
  'never calls back': () => new Writable({ write: () => {} }),
  'never calls back at its end': () => new Writable({ write: (_c, _e, done) => done(), final: () => {} }),
  'is gone': () => new Writable({ write: (_c, _e, done) => done() }).destroy(),
};
const EXPECTED: Readonly<Record<keyof typeof TARGETS, unknown>> = {
  'throws at once': { message: 'broken' },
  'throws later': { message: 'broken' },
  'never calls back': { code: 'ETIMEDOUT', syscall: 'write' },
  'never calls back at its end': { code: 'ETIMEDOUT', syscall: 'write' },
  'is gone': { message: expect.stringContaining('destroyed') },
};
type Name = keyof typeof TARGETS;
const names = Object.keys(TARGETS) as Name[];

/** A capture of a port ends by an error, and the port is closed. */
async function stopOfPort(name: Name): Promise<void> {
  const [stream, expected] = [TARGETS[name](), EXPECTED[name]];
  const hub = await VdePort.open(`hub://${directory.path}/hub`);
  const capture = await capturePort(`vde://${directory.path}/hub`, stream);
  let hasEnded = false;
  capture.done.catch(() => {
    hasEnded = true;
  });
  // each is written before the next comes, where it is written
  for (let i = 1; i <= (name === 'throws later' ? 4 : 1); i++) {
    await hub.send(greeting(1, big));
    await until('it is written, or the capture has ended', () => capture.frames === i || hasEnded);
  }
  await expect(capture.stop()).rejects.toMatchObject(expected as object);
  await expect(capture.done).rejects.toMatchObject(expected as object);
  expect(stream.destroyed).toBe(true);
  await hub.close();
}

/** So does one of a network, and the network goes on. */
async function stopOfNetwork(name: Name): Promise<void> {
  await using fabric = await Fabric.start();
  const network = fabric.addNetwork('lan');
  const [a, b] = [await VdePort.open(await network.addCable('a')), await VdePort.open(await network.addCable('b'))];
  const capture = await network.capture(TARGETS[name]());
  for (let i = 0; i < 40; i++) {
    await a.send(greeting(1, big));
    expect((await b.recv()).length).toBeGreaterThan(9000);
  }
  await expect(capture.stop()).rejects.toMatchObject(EXPECTED[name] as object);
  await a.send(greeting(1, 'on'));
  expect((await b.recv()).toString()).toContain('on');
  await a.close();
  await b.close();
}

async function endOfWriter(name: Name): Promise<void> {
  const writer = new PcapngWriter(TARGETS[name]());
  const id = writer.addInterface('x');
  for (let i = 0; i < 40; i++) writer.writeFrame(id, greeting(1, big));
  await expect(writer.end()).rejects.toMatchObject(EXPECTED[name] as object);
}

test.each(names)('where the target %s, stop() and end() are rejected', async (name) => {
  await Promise.all([stopOfPort(name), stopOfNetwork(name), endOfWriter(name)]);
});

test('a target that is slow, and takes all in the end, is waited for', async () => {
  const taken: number[] = [];
  const slow = new Writable({
    highWaterMark: 1,
    write: (chunk, _encoding, done) => {
      taken.push(chunk.length);
      setTimeout(done, 300);
    },
  });
  const writer = new PcapngWriter(slow);
  const id = writer.addInterface('x');
  // 20 chunks of 64 KiB: longer in all than a target that takes nothing may take
  for (let i = 0; i < 7 * 20; i++) writer.writeFrame(id, greeting(1, big));
  await writer.end();
  expect(taken.reduce((sum, length) => sum + length, 0)).toBeGreaterThan(7 * 20 * 9000);
});

test('a writer of others is left alone', async () => {
  const writer = new PcapngWriter(new Writable({ highWaterMark: 1, write: () => {} }));
  const hub = await VdePort.open(`hub://${directory.path}/shared`);
  const capture = await capturePort(`vde://${directory.path}/shared`, writer);
  await hub.send(greeting(1, 'x'));
  await until('the frame is there', () => capture.frames === 1);
  await expect(capture.stop()).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  await hub.close();
});
