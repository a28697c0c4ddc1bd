import type { Stack } from '../../stack/stack.js';
import { type Command, type Invocation, UsageError } from '../command.js';
import { openStack } from '../config.js';
import { secondsOption } from '../parse.js';
import { addressText, linkText, routeText } from '../show.js';
import { print, printJson } from '../terminal.js';

const USAGE = 'CONFIG [addr|route|link]';

/** A part of a stack to show, as text or as JSON. */
interface View {
  text(stack: Stack): string;
  json(stack: Stack): unknown;
}

const VIEWS: Readonly<Record<string, View>> = {
  addr: {
    text: addressText,
    json: (stack) => stack.interfaces(),
  },
  link: {
    text: (stack) => linkText(stack.interfaces()),
    json: (stack) => stack.interfaces().map(({ addresses: _, ...link }) => link),
  },
  route: {
    text: routeText,
    json: (stack) => stack.routes(),
  },
};

const ALL: View = {
  text: (stack) => {
    const servers = stack.dns.getServers().map((server) => `nameserver ${server}`);
    return [addressText(stack), routeText(stack), ...servers].filter(Boolean).join('\n');
  },
  json: (stack) => ({
    interfaces: stack.interfaces(),
    routes: stack.routes(),
    nameservers: stack.dns.getServers(),
  }),
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
    const view = word === undefined ? ALL : Object.hasOwn(VIEWS, word) ? VIEWS[word] : undefined;
    if (!view) throw new UsageError(`'${word}' is none of ${Object.keys(VIEWS).join(', ')}: ${USAGE}`);
    await using stack = await openStack(config, { signal, timeout: secondsOption(invocation, 'wait') });
    if (options.json) printJson(view.json(stack));
    else print(view.text(stack));
  },
};
