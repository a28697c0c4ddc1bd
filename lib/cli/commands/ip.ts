import { IFF_BROADCAST, IFF_LOOPBACK, IFF_LOWER_UP, IFF_MULTICAST, IFF_NOARP, IFF_UP } from '../../constants/packet.js';
import { printable } from '../../core/printable.js';
import { printedAs } from '../../core/printed-list.js';
import type { InterfaceLink } from '../../netlink/index.js';
import type { Stack } from '../../stack/stack.js';
import { type Command, type Invocation, UsageError } from '../command.js';
import { openStack } from '../config.js';
import { secondsOption } from '../parse.js';
import { listText, print, printJson, table } from '../terminal.js';

const USAGE = 'CONFIG [addr|route|link]';
/** The flags of a link that are shown, in this order. */
const FLAGS = { IFF_LOOPBACK, IFF_BROADCAST, IFF_NOARP, IFF_MULTICAST, IFF_UP, IFF_LOWER_UP };

/** The lists of a stack. Each is printed as ip(8) does. */
const LISTS: Readonly<Record<string, (stack: Stack) => readonly unknown[]>> = {
  addr: (stack) => stack.interfaces(),
  link: (stack) => {
    const links = stack.interfaces().map(({ addresses: _, ...link }) => link);
    return printedAs(links, linkLines);
  },
  route: (stack) => stack.routes(),
};

/** `ioth ip`. */
export const command: Command = {
  usage: USAGE,
  argumentCount: [1, 2],
  help: `
Makes a stack, waits until it is configured (by DHCP, DHCPv6 and router discovery too), prints its configuration, and ends
it: addr as 'ip -br addr', route as 'ip route', link as 'ip -br link'. Without one of these words it prints addresses, routes
and name servers.

  ioth ip vde:///tmp/sw,eth,dhcp
  ioth ip --json 'stack=vdestack,vnl=vde:///tmp/sw,eth,ip=10.0.0.2/24' route`,
  options: {
    json: { help: 'prints JSON' },
    wait: { short: 'w', value: 'SECONDS', help: 'time limit for each of DHCP, DHCPv6 and router discovery (6)' },
  },
  async run(invocation: Invocation) {
    const { args, options, signal } = invocation;
    const [config = '', word] = args;
    if (word !== undefined && !Object.hasOwn(LISTS, word)) {
      throw new UsageError(`'${word}' is none of ${Object.keys(LISTS).join(', ')}: ${USAGE}`);
    }
    await using stack = await openStack(config, { signal, timeout: secondsOption(invocation, 'wait') });
    const list = LISTS[word ?? '']?.(stack);
    if (options.json) printJson(list ?? everything(stack));
    else print(list ? listText(list) : everythingText(stack));
  },
};

function everything(stack: Stack): object {
  return { interfaces: stack.interfaces(), routes: stack.routes(), nameservers: stack.dns.getServers() };
}

function everythingText(stack: Stack): string {
  const servers = stack.dns.getServers().map((server) => `nameserver ${server}`);
  return [listText(stack.interfaces()), listText(stack.routes()), ...servers].filter(Boolean).join('\n');
}

/** Formats links as `ip -br link` does, with the MTU. */
function linkLines(links: readonly InterfaceLink[]): string[] {
  const rows = links.map(({ name, operstate, up, mac, mtu, flags }) => [
    printable(name),
    operstate ?? (up ? 'UNKNOWN' : 'DOWN'),
    mac ?? '-',
    `mtu ${mtu} <${flagNames(flags).join(',')}>`,
  ]);
  return [table(rows)];
}

function flagNames(flags: number): string[] {
  const set = Object.entries(FLAGS).filter(([, flag]) => flags & flag);
  return set.map(([name]) => name.slice('IFF_'.length));
}
