import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AF_INET, AF_INET6, type Stack, type StackSettings } from 'ioth';
import { intoNamespace } from './namespace.js';
import { DNSMASQ, Network } from './network.js';

/** A switch with stacks and name servers on it: stack `n` has 10.5.0.n/24, fd05::n/64 and 2001:db8:5::n/64. */
export class NameNetwork {
  readonly #network = new Network();
  #zones = 0;

  /** The first stack that joins makes the switch. */
  join(number: number, config: string | null = '', options?: StackSettings): Stack {
    const stack = this.#network.join(config, options);
    const ifindex = stack.if_nametoindex('vde0');
    stack.linksetupdown(stack.if_nametoindex('lo'), true);
    stack.linksetupdown(ifindex, true);
    stack.ipaddr_add(AF_INET, `10.5.0.${number}`, 24, ifindex);
    stack.ipaddr_add(AF_INET6, `fd05::${number}`, 64, ifindex);
    stack.ipaddr_add(AF_INET6, `2001:db8:5::${number}`, 64, ifindex);
    return stack;
  }

  path(name: string): string {
    return join(this.#network.dir, name);
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  /** dnsmasq inside the stack's namespace, on these addresses. It reads no file but those named. */
  async dnsmasq(stack: Stack, addresses: readonly string[], args: readonly string[]): Promise<void> {
    const listen = addresses.map((address) => `--listen-address=${address}`);
    const server = this.#network.server(stack, 'dnsmasq', [
      ...DNSMASQ,
      '--no-hosts',
      '--no-resolv',
      ...listen,
      '--bind-interfaces',
      ...args,
    ]);
    await server.logs(/started, version/);
  }

  /** nsd, which is authoritative for the zones, inside the stack's namespace. A zone without text can't be loaded. */
  async nsd(stack: Stack, addresses: readonly string[], zones: Record<string, string | null>): Promise<void> {
    const directory = this.path(`nsd-${this.#zones++}`);
    mkdirSync(directory);
    const blocks = Object.entries(zones).map(([name, text]) => {
      if (text !== null) writeFileSync(join(directory, `${name}.zone`), text);
      return `zone:\n  name: "${name}"\n  zonefile: "${name}.zone"\n`;
    });
    const config = `server:
${addresses.map((address) => `  ip-address: ${address}`).join('\n')}
  username: ""
  zonesdir: "${directory}"
  database: ""
  zonelistfile: "${directory}/zone.list"
  xfrdfile: "${directory}/xfrd.state"
  xfrdir: "${directory}"
  pidfile: "${directory}/pid"
  verbosity: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
${blocks.join('')}`;
    writeFileSync(join(directory, 'nsd.conf'), config);
    const server = this.#network.server(stack, 'nsd', ['-d', '-c', join(directory, 'nsd.conf')]);
    await server.logs(/nsd started/);
  }

  close(): Promise<void> {
    return this.#network.close();
  }
}

/** What the C library's own getaddrinfo says inside the stack's namespace, with files of the test's in place of /etc's. */
export function getent(
  stack: Stack,
  files: { resolvConf: string; hosts: string; services: string; nsswitch: string },
  queries: readonly (readonly [database: string, name: string])[],
): string[] {
  const binds = [
    [files.resolvConf, '/etc/resolv.conf'],
    [files.hosts, '/etc/hosts'],
    [files.services, '/etc/services'],
    [files.nsswitch, '/etc/nsswitch.conf'],
  ].map(([from, to]) => `mount --bind '${from}' ${to}`);
  const looks = queries.map(([database, name]) => `getent ${database} '${name}' || echo; echo ----`);
  const script = [...binds, ...looks].join('\n');
  const [command = '', ...into] = intoNamespace(Number(stack.daemonPid));
  const text = execFileSync(command, [...into, 'unshare', '--mount', 'sh', '-ec', script], { encoding: 'utf8' });
  return text.split('----\n').slice(0, queries.length);
}
