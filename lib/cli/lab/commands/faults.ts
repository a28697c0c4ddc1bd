import { FAULT_NAMES } from '../../../fabric/faults.js';
import type { Lab, LabNetwork } from '../../../lab/index.js';
import { currentNetwork } from '../../../lab/topology/host-plan.js';
import { UsageError } from '../../command.js';
import { numberOption } from '../../parse.js';
import { print } from '../../terminal.js';
import {
  completeNetwork,
  hostNamed,
  hostNames,
  type LabCommand,
  networkNamed,
  networkNames,
  networksNamed,
} from '../command.js';
import {
  CUT_DIRECTIONS,
  completePairs,
  DIRECTIONS,
  directionsOf,
  faultsOf,
  isDirection,
  splitPairs,
} from '../pairs.js';

const MANY = Number.POSITIVE_INFINITY;
const MAX_GAP_MS = 3_600_000;

export const set: LabCommand = {
  usage: 'NETWORK [FAULT=VALUE …] [WAY]',
  argumentCount: [1, MANY],
  help: 'sets faults (set lan delay=50 loss=0.01), for a way too (from=alice to=bob, up=bob); others end',
  options: {},
  complete: (args, lab) =>
    args.length === 0 ? networkNames(lab) : completePairs([...FAULT_NAMES, ...DIRECTIONS], lab),
  async run({ lab }, { args: [name = '', ...args] }) {
    const network = networkNamed(lab, name);
    const { words, pairs } = splitPairs(args);
    if (words.length > 0) throw new UsageError(`'${words[0]}' must be FAULT=VALUE, such as delay=50`);
    const path = directionsOf(
      pairs.filter(([key]) => isDirection(key)),
      DIRECTIONS,
    );
    await network.set(faultsOf(pairs.filter(([key]) => !isDirection(key))), path);
  },
};

export const reset = eachNetwork('brings back the faults of the configuration', (network) => network.reset());

export const cut: LabCommand = {
  usage: '[NETWORK] HOSTS HOSTS | WAY',
  argumentCount: [1, 3],
  help: 'stops all frames between hosts, or in one direction (cut from=alice to=bob)',
  options: {},
  complete: (args, lab) => [
    ...(args.length === 0 ? networkNames(lab) : []),
    ...hostNames(lab),
    ...completePairs(CUT_DIRECTIONS, lab),
  ],
  async run({ lab }, { args }) {
    const { words, pairs } = splitPairs(args);
    const path = directionsOf(pairs, CUT_DIRECTIONS);
    const hasNetwork = words.length === (path ? 1 : 3);
    const target = hasNetwork ? networkNamed(lab, words.shift()!) : lab;
    if (path && words.length === 0) return target.cut(path);
    if (path || words.length !== 2) throw new UsageError(`cut takes ${cut.usage}`);
    const [one = [], other = []] = words.map((word) => word.split(','));
    await target.cut(one, other);
  },
};

export const partition: LabCommand = {
  usage: 'HOSTS …',
  argumentCount: [1, MANY],
  help: 'stops all frames between groups of hosts (partition alice,bob carol)',
  options: {},
  complete: onlyHosts,
  run: ({ lab }, { args }) => lab.partition(...args.map((group) => group.split(','))),
};

export const heal = eachNetwork('ends cuts and partitions; faults stay', (network) => network.heal());

export const down = eachHost('unplugs the cables of hosts', (lab, name) => lab.down(name));
export const up = eachHost('plugs the cables of hosts in again', (lab, name) => lab.up(name));
export const restart = eachHost('restarts hosts, like a reset button', async (lab, name) => {
  await lab.restart(name);
});

export const move: LabCommand = {
  usage: 'HOST NETWORK',
  argumentCount: [2, 2],
  help: 'moves a host that roams to another network',
  options: { gap: { short: 'g', value: 'MS', help: 'time on no network (0)' } },
  complete: (args, lab) => (args.length === 0 ? hostNames(lab) : (lab.hosts[args[0]!]?.networks ?? [])),
  async run({ lab }, call) {
    const [name = '', to = ''] = call.args;
    const host = hostNamed(lab, name);
    const here = currentNetwork(host.state.plan).name;
    await host.move(here, networkNamed(lab, to).name, { gap: numberOption(call, 'gap', { min: 0, max: MAX_GAP_MS }) });
    print(`${name} is ${host.address()}`);
  },
};

/** Makes a command for some hosts. */
function eachHost(help: string, act: (lab: Lab, name: string) => Promise<void>): LabCommand {
  return {
    usage: 'HOST …',
    argumentCount: [1, MANY],
    help,
    options: {},
    complete: onlyHosts,
    async run({ lab }, { args }) {
      const hosts = args.map((name) => hostNamed(lab, name));
      for (const { name } of hosts) await act(lab, name);
    },
  };
}

/** Makes a command for a network, or for all. */
function eachNetwork(help: string, act: (network: LabNetwork) => Promise<void>): LabCommand {
  return {
    usage: '[NETWORK]',
    argumentCount: [0, 1],
    help,
    options: {},
    complete: completeNetwork,
    async run({ lab }, { args: [name] }) {
      for (const network of networksNamed(lab, name)) await act(network);
    },
  };
}

function onlyHosts(_args: readonly string[], lab: Lab): readonly string[] {
  return hostNames(lab);
}
