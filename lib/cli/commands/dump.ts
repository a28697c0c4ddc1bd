import type { Writable } from 'node:stream';
import { capturePort } from '../../vde/capture.js';
import { VdePort } from '../../vde/port.js';
import { type Command, type Invocation, UsageError } from '../command.js';
import { frameFilter } from '../frame-filter.js';
import { clock, frameText, nowhere, VERBOSE } from '../frame-output.js';
import { interrupted } from '../interruption.js';
import { numberOption } from '../parse.js';
import { print, printError } from '../terminal.js';

/** `ioth dump`. */
export const command: Command = {
  usage: 'VNL [FILTER]',
  argumentCount: [1, Number.POSITIVE_INFINITY],
  help: `
Joins a network and prints a line for each frame, or writes the frames as pcapng, which Wireshark, tshark and tcpdump read.
It runs until Ctrl-C, until -c frames have come, or until the network ends. A switch sends a port only frames for all hosts,
or for a MAC that it has not learned. To see every frame use a hub: 'ioth switch --hub PATH'.
FILTER is a subset of pcap-filter(7): host ADDRESS, net PREFIX, port NUMBER, portrange N-M, each with src or dst before it,
ether host MAC, arp, ip, ip6, tcp, udp, icmp, icmp6, broadcast, multicast, proto, vlan, less N, greater N, tcp[tcpflags] and
the like, and, or, not, ( ).

  ioth dump vde:///tmp/sw
  ioth dump vde:///tmp/sw host 10.0.0.1 and not tcp port 22
  ioth dump vde:///tmp/sw 'tcp[tcpflags] & (tcp-syn|tcp-rst) != 0'
  ioth dump -w - vde:///tmp/sw | wireshark -k -i -`,
  options: {
    write: { short: 'w', value: 'FILE', help: 'writes pcapng to a file; - is standard output' },
    count: { short: 'c', value: 'NUMBER', help: 'ends after this many frames that pass the filter' },
    filter: { short: 'f', value: 'FILTER', help: 'the filter as one argument, instead of behind VNL' },
    verbose: VERBOSE,
    snaplen: { short: 's', value: 'BYTES', help: 'cuts each written frame to this size (all)' },
  },
  async run(invocation: Invocation) {
    const { args, options, signal } = invocation;
    const [vnl = '', ...words] = args;
    if (options.filter !== undefined && words.length > 0)
      throw new UsageError('the filter stands behind VNL or in --filter');
    const passes = frameFilter(String(options.filter ?? words.join(' ')));
    const file = options.write as string | undefined;
    const count = numberOption(invocation, 'count', { min: 1, isWhole: true }) ?? Number.POSITIVE_INFINITY;
    const snaplen = numberOption(invocation, 'snaplen', { min: 1, max: 0xffffffff, isWhole: true });
    await using port = await VdePort.open(vnl, { signal, description: 'ioth dump' });
    let seen = 0;
    const full = new AbortController();
    const running = await capturePort(port, targetOf(file), {
      snaplen,
      // frames that came together with the last one are not counted
      filter: (frame) => passes(frame) && ++seen <= count,
      onFrame: (frame, time) => {
        if (file === undefined) print(`${clock(time)} ${frameText(frame, options.verbose === true)}`);
        if (seen >= count) full.abort();
      },
    });
    printError(`listening on ${port.vnl}`);
    await Promise.race([interrupted(signal), interrupted(full.signal), running.done]);
    await running.stop();
    if (file !== undefined) printError(`${running.frames} frames`);
  },
};

/** Returns the target of the capture. */
function targetOf(file: string | undefined): string | Writable {
  if (file === undefined) return nowhere();
  return file === '-' ? process.stdout : file;
}
