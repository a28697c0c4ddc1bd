import { NAT_TYPES } from '../../../fabric/nat/options.js';
import type { Lab, LabHost, NatType, PortStats } from '../../../lab/index.js';
import { UsageError } from '../../command.js';
import { noSuch } from '../../suggest.js';
import { print, table } from '../../terminal.js';
import { completeNetwork, hostNamed, type LabCommand, networksNamed } from '../command.js';

const FLUSH = 'flush';

export const links: LabCommand = {
  usage: '',
  argumentCount: [0, 0],
  help: 'draws the networks and hosts as they are now',
  options: {},
  async run({ lab }) {
    print(String(lab));
  },
};

export const stats: LabCommand = {
  usage: '[NETWORK]',
  argumentCount: [0, 1],
  help: 'counts frames and bytes, and what was dropped, by host',
  options: {},
  complete: completeNetwork,
  async run({ lab }, { args: [name] }) {
    for (const network of networksNamed(lab, name)) {
      const { ports, total } = await network.stats();
      const rows = Object.entries({ ...ports, total }).map(([port, counts]) => [port, ...cells(counts)]);
      print(table([[network.name, 'sent', 'bytes', 'received', 'bytes', 'dropped and changed'], ...rows]));
    }
  },
};

/** Returns the counts as a host sees them: a network receives what the host sends. */
function cells({ received, sent, dropped, duplicated, corrupted, reordered }: PortStats): string[] {
  const causes = Object.entries({ ...dropped, duplicated, corrupted, reordered });
  const noted = causes.filter(([, count]) => count > 0).map(([cause, count]) => `${cause} ${count}`);
  return [...[received, sent].flatMap(({ frames, bytes }) => [`${frames}`, `${bytes}`]), noted.join(', ')];
}

export const nat: LabCommand = {
  usage: `[HOST [KIND | ${FLUSH}]]`,
  argumentCount: [0, 2],
  help: `shows the mappings of NATs, ends those of one, or changes its kind: ${NAT_TYPES.join(', ')}`,
  options: {},
  complete(args, lab) {
    if (args.length === 0) return natHosts(lab).map(({ name }) => name);
    return args.length === 1 ? [...NAT_TYPES, FLUSH] : [];
  },
  async run({ lab }, { args: [name, what] }) {
    const all = natHosts(lab);
    if (all.length === 0) throw new UsageError('no host of this lab has a NAT');
    const hosts = name === undefined ? all : [hostNamed(lab, name)];
    if (what === FLUSH) await hosts[0]!.nat.flush();
    else if (what !== undefined) await hosts[0]!.nat.set(natType(what));
    else for (const host of hosts) await showNat(host);
  },
};

function natType(word: string): NatType {
  const type = NAT_TYPES.find((name) => name === word);
  if (type) return type;
  throw new UsageError(`${noSuch('kind of NAT', word, NAT_TYPES)} (${NAT_TYPES.join(', ')}, or ${FLUSH})`);
}

function natHosts(lab: Lab): LabHost[] {
  return Object.values(lab.hosts).filter(({ state }) => state.nat !== undefined);
}

async function showNat({ name, nat }: LabHost): Promise<void> {
  print(`${name}: ${nat.type}, ${nat.inside.join(' ')} → ${nat.outside} ${nat.addresses.join(' ')}`);
  const rows = (await nat.mappings()).map(({ protocol, inside, outside, remotes, expires }) => [
    `  ${protocol}`,
    inside,
    `→ ${outside}`,
    Number.isFinite(expires) ? `${Math.ceil(expires / 1000)} s` : 'forwarded',
    remotes.join(' '),
  ]);
  if (rows.length > 0) print(table([['  protocol', 'inside', '  outside', 'ends in', 'peers'], ...rows]));
}
