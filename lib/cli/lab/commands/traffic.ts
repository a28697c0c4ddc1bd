import { checkRate } from '../../../fabric/rate.js';
import type { Lab, LabHost } from '../../../lab/index.js';
import { CommandError, EXIT_FAILED, EXIT_OK, UsageError } from '../../command.js';
import { numberOption } from '../../parse.js';
import { print, table } from '../../terminal.js';
import { hostNamed, hostNames, type LabCommand } from '../command.js';
import { measureTcp, measureUdp } from '../iperf.js';

const MAX_SECONDS = 3600;

export const pingall: LabCommand = {
  usage: '[HOST …]',
  argumentCount: [0, Number.POSITIVE_INFINITY],
  help: 'pings each host from each other one, and shows the times in ms; X is no answer',
  options: { wait: { short: 'w', value: 'SECONDS', help: 'how long to wait for each answer (2)' } },
  complete: (_args, lab) => hostNames(lab),
  async run({ lab }, call) {
    const timeout = (numberOption(call, 'wait', { min: 0.001, max: MAX_SECONDS }) ?? 2) * 1000;
    const hosts = (call.args.length > 0 ? call.args : hostNames(lab)).map((name) => hostNamed(lab, name));
    const rows: string[][] = [];
    for (const host of hosts) {
      const others = hosts.map((other) => (other === host ? '-' : pingTime(host, other, timeout, call.signal)));
      rows.push([host.name, ...(await Promise.all(others))]);
      call.signal.throwIfAborted();
    }
    const names = hosts.map(({ name }) => name);
    print(table([['from', ...names], ...rows]));
    const cells = rows.flatMap((row) => row.slice(1)).filter((cell) => cell !== '-');
    const lost = cells.filter((cell) => cell === NO_ANSWER).length;
    print(`${cells.length} pings, ${cells.length - lost} answers`);
    return lost > 0 ? EXIT_FAILED : EXIT_OK;
  },
};

const NO_ANSWER = 'X';

/** Returns the time of a ping in milliseconds, as text. The first one may have to wait for ARP. */
async function pingTime(from: LabHost, to: LabHost, timeout: number, signal: AbortSignal): Promise<string> {
  try {
    const { min } = await from.ping(to.name, { count: 2, interval: 20, timeout, signal });
    return min === null ? NO_ANSWER : min.toFixed(1);
  } catch {
    // a host that has no name here, or no route to it
    return NO_ANSWER;
  }
}

export const iperf: LabCommand = {
  usage: 'HOST HOST',
  argumentCount: [2, 2],
  help: 'measures how much passes from a host to another one, by TCP or UDP',
  options: {
    udp: { short: 'u', help: 'sends UDP' },
    bandwidth: { short: 'b', value: 'RATE', help: 'of UDP, in units of tc(8) (1mbit)' },
    time: { short: 't', value: 'SECONDS', help: 'how long to send (5)' },
  },
  complete: (args: readonly string[], lab: Lab) => (args.length < 2 ? hostNames(lab) : []),
  async run({ lab }, call) {
    const [from, to] = call.args.map((name) => hostNamed(lab, name)) as [LabHost, LabHost];
    const { udp, bandwidth } = call.options;
    if (from === to) throw new UsageError('iperf needs two hosts');
    if (bandwidth !== undefined && !udp) throw new UsageError('--bandwidth is that of UDP: it needs --udp');
    const seconds = numberOption(call, 'time', { min: 1, max: MAX_SECONDS, isWhole: true }) ?? 5;
    const settings = { from, to, seconds, signal: call.signal, print };
    const bytes = await (udp
      ? measureUdp(settings, checkRate('--bandwidth', bandwidth ?? '1mbit'))
      : measureTcp(settings));
    if (bytes === 0 && !call.signal.aborted) throw new CommandError(`nothing from ${from.name} arrived at ${to.name}`);
  },
};
