import type { Command, Invocation } from '../command.js';
import { openStack } from '../config.js';
import { carryDatagrams } from '../nc/datagrams.js';
import { carryStream } from '../nc/stream.js';
import { checkArgumentCount, portArgument, secondsOption } from '../parse.js';

const USAGE = 'CONFIG HOST PORT, or -l CONFIG [ADDRESS] PORT';

/** `ioth nc`. */
export const command: Command = {
  usage: USAGE,
  help: `
Connects a socket of a stack to standard input and output: TCP, or UDP with -u. At the end of the input it stops sending,
and prints what the other side sends until that ends too (as nc -N). At a terminal it ends when the other side ends.
With -l it waits for one connection, or for the first datagram, and talks to that peer only. UDP has no end: use Ctrl-C
or -w.

  ioth nc -l vde:///tmp/sw,eth,ip=10.0.0.1/24 5000 > file
  ioth nc vde:///tmp/sw,eth,ip=10.0.0.2/24 10.0.0.1 5000 < file`,
  options: {
    listen: { short: 'l', help: 'waits for a peer instead of connecting to one' },
    udp: { short: 'u', help: 'uses UDP, one datagram per piece of input' },
    wait: {
      short: 'w',
      value: 'SECONDS',
      help: 'ends if connecting takes this long, or if no data comes or goes for this long',
    },
  },
  async run(invocation: Invocation) {
    const { args, options, signal } = invocation;
    checkArgumentCount(args, options.listen ? 2 : 3, 3, USAGE);
    const config = args[0] as string;
    const port = portArgument(args.at(-1) as string);
    const host = args.length === 3 ? args[1] : undefined;
    const idleMs = secondsOption(invocation, 'wait');
    await using stack = await openStack(config, { signal, loopback: true });
    const end = { host, port, listens: options.listen === true, idleMs, signal };
    await (options.udp ? carryDatagrams(stack, end) : carryStream(stack, end));
  },
};
