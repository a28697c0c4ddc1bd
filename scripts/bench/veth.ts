import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Lab } from 'ioth/lab';
import { withinDeadline } from './measure.js';
import { type EndWork, type Pair, start, stop, turnOf, WORKS } from './node-modules.js';
import { measureRow, type Row } from './rows.js';

const ADDRESSES = ['10.0.0.1', '10.0.0.2'] as const;
const JUMBO = 9000;
const MB = 1024 * 1024;
const AMOUNTS = { bulk: 96 * MB, 'round trips': 6_000, requests: 8_000 } as const;
/** What is reached today, with room: a veth pair is one call inside the kernel, a frame of a lab passes two daemons and a thread. */
const BARS = { bulk: 0.01, 'round trips': 8, requests: 0.1 } as const;
const JUMBO_BAR = 4;

/**
 * Node's own modules in two hosts of a lab, and in two network namespaces that a veth pair joins, which is what Mininet makes. And
 * two hosts on a network with jumbo frames, against those on one without.
 */
export async function vethRows(wanted: (group: string) => boolean, rounds: number): Promise<Row[]> {
  if (!wanted('veth')) return [];
  if (process.getuid?.() !== 0) {
    console.log('without the rows of a veth pair: only root makes one\n');
    return [];
  }
  const ends: ChildProcess[] = [];
  const spaces: ChildProcess[] = [];
  const networks = { lan: '10.0.0.0/24' };
  const hosts = { a: 'lan', b: 'lan' } as const;
  await using plain = await Lab.create({ networks, hosts });
  await using jumbo = await Lab.create({ networks: { lan: { prefix: '10.0.0.0/24', mtu: JUMBO } }, hosts });
  const pairOf = async (pids: readonly number[]): Promise<Pair> => {
    const [asker] = await start(ends, [ADDRESSES[0]], pids[0]);
    const [server] = await start(ends, [ADDRESSES[1]], pids[1]);
    return { asker, server, address: ADDRESSES[1] };
  };
  const pidsOf = (lab: typeof plain) => [lab.hosts.a, lab.hosts.b].map(({ stack }) => stack.daemonPid!);
  try {
    const lab = await pairOf(pidsOf(plain));
    const veth = await pairOf(await joinByVeth(spaces));
    const rows: Row[] = [];
    for (const work of Object.keys(AMOUNTS) as (EndWork & keyof typeof AMOUNTS)[]) {
      const amount = AMOUNTS[work];
      const turns = { lab: turnOf(lab, work, amount), 'veth pair': turnOf(veth, work, amount) };
      rows.push(await measureRow({ ...WORKS[work], amount, turns, bar: BARS[work] }, rounds));
    }
    const turns = {
      [`MTU ${JUMBO}`]: turnOf(await pairOf(pidsOf(jumbo)), 'bulk', AMOUNTS.bulk),
      'MTU 1500': turnOf(lab, 'bulk', AMOUNTS.bulk),
    };
    const name = 'bulk TCP, jumbo frames';
    rows.push(await measureRow({ name, unit: 'MB/s', amount: AMOUNTS.bulk, turns, bar: JUMBO_BAR }, rounds));
    return rows;
  } finally {
    for (const end of ends.reverse()) await stop(end);
    for (const space of spaces) {
      const ended = once(space, 'exit');
      space.stdin?.end();
      await withinDeadline(ended);
    }
  }
}

/** Makes two network namespaces with a veth pair between them. Returns a process in each. */
async function joinByVeth(spaces: ChildProcess[]): Promise<number[]> {
  for (const _ of ADDRESSES) {
    // cat ends with this process
    const space = spawn('unshare', ['--net', '--', 'sh', '-c', 'echo ready; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    spaces.push(space);
    await withinDeadline(once(space.stdout, 'data'));
  }
  const pids = spaces.map(({ pid }) => pid!);
  const ip = (pid: number | undefined, line: string) =>
    execFileSync('nsenter', ['-t', `${pid}`, '-n', 'ip', ...line.split(' ')]);
  ip(pids[0], `link add end type veth peer name end netns ${pids[1]}`);
  for (const [i, pid] of pids.entries())
    for (const line of [`addr add ${ADDRESSES[i]}/24 dev end`, 'link set end up', 'link set lo up']) ip(pid, line);
  return pids;
}
