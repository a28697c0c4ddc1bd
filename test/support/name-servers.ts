import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AF_INET, AF_INET6 } from '../../lib/constants/index.js';
import type { StackSettings } from '../../lib/stack/arguments.js';
import { Stack } from '../../lib/stack/stack.js';
import { temporaryDirectory } from './directory.js';

/** A switch with stacks on it: stack `n` has 10.5.0.n/24, fd05::n/64 and 2001:db8:5::n/64. */
export class NameNetwork {
  readonly directory = temporaryDirectory();
  readonly #stacks: Stack[] = [];
  readonly #children: ChildProcess[] = [];

  /** The first stack that joins makes the switch. */
  join(number: number, config: string | null = '', options?: StackSettings): Stack {
    const scheme = this.#stacks.length === 0 ? 'switch' : 'vde';
    const stack = new Stack('vdestack', `${scheme}://${this.directory}/switch`, config, options);
    this.#stacks.push(stack);
    const ifindex = stack.if_nametoindex('vde0');
    stack.linksetupdown(stack.if_nametoindex('lo'), true);
    stack.linksetupdown(ifindex, true);
    stack.ipaddr_add(AF_INET, `10.5.0.${number}`, 24, ifindex);
    stack.ipaddr_add(AF_INET6, `fd05::${number}`, 64, ifindex);
    stack.ipaddr_add(AF_INET6, `2001:db8:5::${number}`, 64, ifindex);
    return stack;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  /** dnsmasq inside the stack's namespace, on these addresses. It reads no file but those named. */
  async dnsmasq(stack: Stack, addresses: readonly string[], args: readonly string[]): Promise<void> {
    const options = ['--keep-in-foreground', '--conf-file=/dev/null', '--no-hosts', '--no-resolv', '--user=root'];
    const listen = addresses.map((address) => `--listen-address=${address}`);
    await this.#start(stack, 'dnsmasq', /started, version/, [
      ...options,
      ...listen,
      '--bind-interfaces',
      '--log-facility=-',
      '--pid-file=',
      ...args,
    ]);
  }

  /** nsd, which is authoritative for the zones, inside the stack's namespace. A zone without text can't be loaded. */
  async nsd(stack: Stack, addresses: readonly string[], zones: Record<string, string | null>): Promise<void> {
    const directory = this.path(`nsd-${this.#children.length}`);
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
    await this.#start(stack, 'nsd', /nsd started/, ['-d', '-c', join(directory, 'nsd.conf')]);
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map(stopped));
    for (const stack of this.#stacks.reverse()) await stack.close();
    // the switch removes its sockets when its daemon ends, a moment after the stack
    for (let i = 0; i < 100 && readdirSync(this.directory).includes('switch'); i++) await delay(20);
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #start(stack: Stack, command: string, isReady: RegExp, args: string[]): Promise<void> {
    const child = spawn('nsenter', [...enter(stack), command, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#children.push(child);
    let output = '';
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    for (let i = 0; i < 500 && !isReady.test(output); i++) {
      if (child.exitCode !== null) break;
      await delay(10);
    }
    if (!isReady.test(output)) throw new Error(`${command} did not start: ${output}`);
  }
}

function enter(stack: Stack): string[] {
  const flags = process.getuid?.() === 0 ? ['--net'] : ['--user', '--preserve-credentials', '--net'];
  return ['-t', String(stack.daemonPid), ...flags];
}

function stopped(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
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
  const text = execFileSync('nsenter', [...enter(stack), 'unshare', '--mount', 'sh', '-ec', script], {
    encoding: 'utf8',
  });
  return text.split('----\n').slice(0, queries.length);
}
