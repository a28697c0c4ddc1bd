import { onAbort } from '../../../core/abort.js';
import { printable } from '../../../core/printable.js';
import type { FabricCapture, Lab } from '../../../lab/index.js';
import { cablesOf } from '../../../lab/topology/host-plan.js';
import { UsageError } from '../../command.js';
import { frameFilter } from '../../frame-filter.js';
import { clock, frameText, LinesInOrder, nowhere, VERBOSE } from '../../frame-output.js';
import { interrupted } from '../../interruption.js';
import { numberOption } from '../../parse.js';
import { print } from '../../terminal.js';
import { completeNetwork, hostNames, type LabCommand, networkNamed, networkNames } from '../command.js';

export const capture: LabCommand = {
  usage: '[NETWORK [FILE]]',
  argumentCount: [0, 2],
  help: 'writes the frames of a network to a file, as pcapng; without FILE ends that',
  options: {},
  complete: completeNetwork,
  async run({ lab, captures }, { args: [name, file] }) {
    if (name === undefined) {
      for (const line of captures.lines) print(line);
      return;
    }
    const network = networkNamed(lab, name);
    if (file === undefined) print(await captures.stop(network.name));
    else await captures.start(network, file);
  },
};

export const dump: LabCommand = {
  usage: '[HOST | NETWORK] [FILTER]',
  argumentCount: [0, Number.POSITIVE_INFINITY],
  help: 'prints the frames of a host, a network or all until Ctrl-C; FILTER is that of ioth dump',
  options: { count: { short: 'c', value: 'NUMBER', help: 'ends after this many frames' }, verbose: VERBOSE },
  complete: (args, lab) => (args.length === 0 ? [...hostNames(lab), ...networkNames(lab)] : []),
  async run({ lab }, call) {
    if (call.args.at(-1) === '&')
      throw new UsageError(
        "dump stays in front: first start a program with &, as in 'alice ping -c 2 bob & ; dump arp'",
      );
    const { networks, isOf, words } = scopeOf(lab, call.args);
    const passes = frameFilter(words.join(' '));
    const count = numberOption(call, 'count', { min: 1, isWhole: true }) ?? Number.POSITIVE_INFINITY;
    const full = new AbortController();
    let seen = 0;
    const lines = new LinesInOrder(print);
    const running = await Promise.all(
      networks.map((network) =>
        lab.networks[network]!.capture(nowhere(), {
          filter: (frame, port) => isOf(frame, port) && passes(frame) && ++seen <= count,
          onFrame(frame, time, { from, comment }) {
            const note = comment === undefined ? '' : `  [${printable(comment)}]`;
            const text = frameText(frame, call.options.verbose === true);
            lines.add(time, `${clock(time)} ${network} ${from}: ${text}${note}`);
            if (seen >= count) full.abort();
          },
        }),
      ),
    );
    const stopListening = onAbort(call.signal, () => full.abort());
    await Promise.race([interrupted(full.signal), ...running.map(({ done }: FabricCapture) => done)]);
    stopListening();
    await Promise.all(running.map((each) => each.stop())).finally(() => lines.end());
  },
};

interface Scope {
  readonly networks: readonly string[];
  /** Returns whether a frame from a port is among those that are asked for. */
  readonly isOf: (frame: Buffer, port: string) => boolean;
  readonly words: readonly string[];
}

/** Reads '[HOST | NETWORK] [FILTER]'. The frames of a host are those that it sends, those to it, and those to groups. */
function scopeOf(lab: Lab, args: readonly string[]): Scope {
  const [name = '', ...rest] = args;
  const host = Object.hasOwn(lab.hosts, name) ? lab.hosts[name] : undefined;
  if (host) {
    const macs = cablesOf(host.state.plan).map(({ mac }) => Buffer.from(mac.replaceAll(':', ''), 'hex'));
    const isFor = (frame: Buffer) => (frame[0]! & 1) === 1 || macs.some((mac) => mac.equals(frame.subarray(0, 6)));
    return { networks: host.networks, isOf: (frame, port) => port === name || isFor(frame), words: rest };
  }
  const isOf = () => true;
  if (Object.hasOwn(lab.networks, name)) return { networks: [name], isOf, words: rest };
  try {
    frameFilter(args.join(' '));
  } catch (error) {
    const names = [...hostNames(lab), ...networkNames(lab)];
    throw new UsageError(`${(error as Error).message}; before the filter may stand one of ${names.join(', ')}`);
  }
  return { networks: networkNames(lab), isOf, words: args };
}
