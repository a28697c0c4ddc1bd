import { randomInt } from 'node:crypto';
import { AF_INET, SOCK_DGRAM } from 'ioth';
import { describeFrame } from 'ioth/vde';
import { patientLab } from '../../support/lab-hosts.js';
import { PATIENCE_MS, until } from '../../support/until.js';

/* What a program sends meets the same faults in every run, whatever the kernels send besides. */

/** IOTH_REPEAT=50 is what docs/links.md says of it. */
const TIMES = Number(process.env.IOTH_REPEAT ?? 4);
const PARALLEL = 5;
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
  await using lab = await patientLab({
    networks: { lan: { prefix: '10.0.0.0/24', prefix6: 'fd00::/64', ra: { interval: 1 } } },
    hosts: { alice: 'lan', bob: 'lan', gate: { networks: 'lan', router: true } },
    seed,
  });
  const { alice, bob } = lab.hosts;
  const addresses = ['10.0.0.2', bob.address('lan', 6)];
  // the neighbours know each other: if ARP loses three frames in a row, a kernel does not send what the program sends
  for (const address of addresses)
    expect((await alice.ping(address, { count: 1, timeout: PATIENCE_MS })).received).toBe(1);
  const frames: [string, string | undefined][] = [];
  const capture = await lab.networks.lan.capture(undefined, {
    onFrame: (frame, _time, { comment }) => frames.push([describeFrame(frame), comment]),
  });
  await lab.networks.lan.set({ loss: 0.25 });
  for (const address of addresses) await alice.ping(address, { count: PINGS, interval: 1, timeout: 1 });
  using echo = bob.stack.socket(AF_INET, SOCK_DGRAM);
  echo.bind(':7');
  using asking = alice.stack.socket(AF_INET, SOCK_DGRAM);
  for (let i = 0; i < PINGS; i++) await asking.sendto(`${i}`, '10.0.0.2:7');
  using _listener = bob.stack.create_server(':80');
  const chosen = new Set<number>();
  while (chosen.size < PINGS) chosen.add(randomInt(32768, 61000));
  for (const port of chosen) {
    using client = alice.stack.socket();
    client.bind(['', port]);
    client.settimeout(0.01);
    await client.connect('10.0.0.2:80').catch(() => {}); // the first segment is sent
  }
  const fatesOfAll = () => ({
    ping: fates(frames, /ICMP echo request/),
    ping6: fates(frames, /ICMP6, echo request/),
    udp: fates(frames, /> 10\.0\.0\.2\.7: /),
    syn: [...chosen]
      .map((port) => fates(frames, new RegExp(`\\.${port} > 10\\.0\\.0\\.2\\.80: Flags \\[S\\]`))[0])
      .join(''),
  });
  await until('all frames passed', () => Object.values(fatesOfAll()).every(({ length }) => length >= PINGS));
  await capture.stop();
  return fatesOfAll();
}

test(
  `the same seed, ${TIMES} times: pings, datagrams and SYNs have the same fates; another seed has others`,
  async () => {
    const first = await run(5);
    for (const fate of Object.values(first)) expect(fate).toMatch(/x/);
    for (let left = TIMES - 1; left > 0; left -= PARALLEL) {
      const runs = Array.from({ length: Math.min(PARALLEL, left) }, () => run(5));
      for (const fates of await Promise.all(runs)) expect(fates).toEqual(first);
    }
    expect(await run(6)).not.toEqual(first);
  },
  Math.max(600_000, TIMES * 60_000),
);
