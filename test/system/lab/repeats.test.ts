import { Lab } from 'ioth/lab';
import { describeFrame } from 'ioth/vde';
import { PATIENCE_MS } from '../../support/until.js';

/* What a program sends meets the same faults in every run, whatever the kernels send besides. */

/** IOTH_REPEAT=50 is what docs/links.md says of it. */
const TIMES = Number(process.env.IOTH_REPEAT ?? 4);
const PINGS = 12;

/** What became of the frames of a kind, in their order: x for those that were lost. */
function fates(frames: readonly [text: string, comment: string | undefined][], kind: RegExp): string {
  return frames
    .filter(([text]) => kind.test(text))
    .map(([, comment]) => (comment?.includes('loss') ? 'x' : '.'))
    .join('');
}

/** Runs the same program in a new lab: pings, datagrams, connections. */
async function run(seed: number): Promise<Record<string, string>> {
  await using lab = await Lab.create({
    networks: { lan: { prefix: '10.0.0.0/24', prefix6: 'fd00::/64', loss: 0.25 } },
    hosts: { alice: 'lan', bob: 'lan' },
    seed,
  });
  const { alice, bob } = lab.hosts;
  const frames: [string, string | undefined][] = [];
  const capture = await lab.networks.lan.capture(undefined, {
    onFrame: (frame, _time, comment) => frames.push([describeFrame(frame), comment]),
  });
  for (const host of ['10.0.0.2', 'fd00::2']) await alice.ping(host, { count: PINGS, interval: 1, timeout: 1 });
  using echo = bob.stack.socket(2, 2);
  echo.bind(':7');
  using asking = alice.stack.socket(2, 2);
  for (let i = 0; i < PINGS; i++) await asking.sendto(`${i}`, '10.0.0.2:7');
  using listener = bob.stack.create_server(':80');
  for (let i = 0; i < 3; i++) {
    using client = await alice.stack.create_connection('10.0.0.2:80', { timeout: PATIENCE_MS / 1000 });
    const [served] = await listener.accept();
    served.close();
    await client.recv(1);
  }
  await capture.stop();
  return {
    ping: fates(frames, /ICMP echo request/).slice(0, PINGS),
    ping6: fates(frames, /ICMP6, echo request/).slice(0, PINGS),
    udp: fates(frames, /> 10\.0\.0\.2\.7: /).slice(0, PINGS),
    syn: fates(frames, /> 10\.0\.0\.2\.80: Flags \[S\]/),
  };
}

test(`the same seed, ${TIMES} times: pings, datagrams and SYNs have the same fates; another seed has others`, async () => {
  const first = await run(5);
  for (const kind of ['ping', 'ping6', 'udp', 'syn']) expect(first[kind]).toMatch(/^[x.]{3,}$/);
  expect(first.ping).toMatch(/x/);
  for (let i = 1; i < TIMES; i++) expect(await run(5)).toEqual(first);
  expect(await run(6)).not.toEqual(first);
});
