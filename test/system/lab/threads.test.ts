import { Fabric, type FabricNetwork } from 'ioth/lab';
import { VdePort } from 'ioth/vde';
import { startScript } from '../../support/child.js';
import { patientLab } from '../../support/lab-hosts.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { PATIENCE_MS, until } from '../../support/until.js';
import { greeting, textOf } from '../../support/vde.js';

/* Networks that several threads forward. */

const PING = { count: 1, timeout: PATIENCE_MS };

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

async function stationsOf(network: FabricNetwork): Promise<[VdePort, VdePort]> {
  return [await VdePort.open(await network.addCable('a')), await VdePort.open(await network.addCable('b'))];
}

/** Which of 100 frames get through on each of three networks. */
async function passed(threads: number): Promise<[distinct: number, texts: string[][]]> {
  await using fabric = await Fabric.start({ seed: 7, threads });
  const networks = ['one', 'two', 'three'].map((name) => fabric.addNetwork(name, { loss: 0.5 }));
  const texts = networks.map(async (network) => {
    const [a, b] = await stationsOf(network);
    const heard: string[] = [];
    try {
      for (let n = 0; n < 100; n++) await a.send(greeting(1, `${n}`), { timeout: PATIENCE_MS });
      await until('all are forwarded', async () => (await network.stats()).total.received.frames === 100);
      const { dropped } = (await network.stats()).total;
      while (heard.length < 100 - dropped.loss) heard.push(textOf(await b.recv({ timeout: PATIENCE_MS })));
    } finally {
      await a.close();
      await b.close();
    }
    return heard;
  });
  return [new Set(networks.map(({ thread }) => thread)).size, await Promise.all(texts)];
}

it('loses the same frames as one thread does', async () => {
  const [one, texts] = await passed(1);
  expect([one, new Set(texts.map(String)).size]).toEqual([1, 3]);
  expect(await passed(2)).toEqual([2, texts]);
  expect(await passed(5)).toEqual([3, texts]);
});

it('refuses a number of threads that cannot be', async () => {
  for (const threads of [0, 65, 1.5, '2', null]) {
    await expect(Fabric.start({ threads: threads as number })).rejects.toThrow('options.threads must be');
  }
});

it('leaves nothing where there are no descriptors for all', async () => {
  const { code, stdout, stderr } = await startScript('threads-too-many.ts').exit;
  expect([code, stdout.replace(/^(EMFILE|ERR_IOTH_FABRIC)/, 'failed'), stderr]).toEqual([
    0,
    'failed 0\n[]\nclosed 0\n',
    '',
  ]);
});

it('goes on where the thread of another network has ended', async () => {
  await using fabric = await Fabric.start({ threads: 2 });
  const [broken, whole] = ['broken', 'whole'].map((name) => fabric.addNetwork(name)) as [FabricNetwork, FabricNetwork];
  const [a, b] = await stationsOf(whole);
  await broken.thread.end();
  await expect(broken.stats()).rejects.toMatchObject({ code: 'ERR_IOTH_FABRIC' });
  await a.send(greeting(1, 'still here'));
  expect(textOf(await b.recv({ timeout: PATIENCE_MS }))).toBe('still here');
  await a.close();
  await b.close();
});

it.each(['close', 'exit'])('says at once that its thread has died, and ends: %s', async (end) => {
  const life = startScript('thread-fails.ts', [end], { flags: ['--no-warnings'] });
  const { code, stdout, stderr } = await life.exit;
  expect([code, stdout, stderr]).toEqual([
    0,
    'IothWarning: A thread that forwards frames has died. Its networks carry no frames any more.\nERR_IOTH_FABRIC\n',
    '',
  ]);
  expect(await life.groupGone()).toEqual([]);
});

it('is a lab as with one: routers, NATs, firewalls, captures, hosts that move', async () => {
  await using lab = await patientLab({
    threads: 3,
    networks: {
      internet: '203.0.113.0/24',
      home: '192.168.1.0/24',
      office: '10.1.0.0/24',
      cellar: '10.2.0.0/24',
    },
    hosts: {
      server: 'internet',
      fritz: { networks: ['home', 'internet'], nat: 'home' },
      core: ['office', 'internet'],
      stairs: ['cellar', 'office'],
      alice: 'home',
      bob: { networks: 'cellar', firewall: [{ direction: 'out', action: 'accept' }] },
      phone: { networks: ['office', 'cellar'], roams: true },
    },
  });
  const { alice, bob, phone, server } = lab.hosts;
  const frames: string[] = [];
  const onFrame =
    (name: string) =>
    (_: Buffer, __: bigint, { from }: { from: string }) =>
      frames.push(`${name} ${from}`);
  const captures = await Promise.all(
    Object.entries(lab.networks).map(([name, network]) => network.capture(undefined, { onFrame: onFrame(name) })),
  );
  for (const from of [alice, bob, phone]) expect((await from.ping('server', PING)).received).toBe(1);
  await phone.move('office', 'cellar');
  expect((await phone.ping('server', PING)).received).toBe(1);
  expect((await server.ping('bob', { count: 1, timeout: 300 })).received).toBe(0);
  await until('the firewall drops it', async () => (await lab.networks.cellar.stats()).total.dropped.firewall > 0);
  for (const capture of captures) await capture.stop();
  for (const way of ['home alice', 'internet fritz', 'cellar bob', 'office stairs', 'internet core', 'cellar phone']) {
    expect(frames).toContain(way);
  }
});
