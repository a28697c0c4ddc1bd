import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readyLinkLocal } from '../../lib/config/link-local.js';
import { Stack } from '../../lib/index.js';

/** A server process in the network namespace of a stack. */
export class Server {
  #log = '';
  readonly #process: ChildProcess;
  readonly #exit: Promise<void>;

  constructor(pid: number, command: string, args: string[]) {
    const flags = process.getuid?.() === 0 ? ['-n'] : ['-U', '--preserve-credentials', '-n'];
    this.#process = spawn('nsenter', ['-t', String(pid), ...flags, command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    });
    const collect = (data: Buffer) => {
      this.#log += data;
    };
    this.#process.stdout?.on('data', collect);
    this.#process.stderr?.on('data', collect);
    this.#exit = new Promise((resolve) => {
      this.#process.once('exit', () => resolve());
      this.#process.once('error', (error) => {
        this.#log += error.message;
        resolve();
      });
    });
  }

  get log(): string {
    return this.#log;
  }

  /** Waits until the log has `pattern`. */
  async logged(pattern: RegExp, milliseconds = 5000): Promise<void> {
    const end = Date.now() + milliseconds;
    while (!pattern.test(this.#log)) {
      if (Date.now() > end || this.#process.exitCode !== null) throw new Error(`no ${pattern} in:\n${this.#log}`);
      await delay(5);
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#process.kill(signal);
    await this.#exit;
  }
}

/** A switch with stacks and servers on it, in a directory of its own; all goes with {@link close}. */
export class Lan {
  readonly directory = mkdtempSync(join(tmpdir(), 'ioth-lan-'));
  readonly #stacks: Stack[] = [];
  readonly #servers: Server[] = [];
  #files = 0;

  /** A stack on the switch, with vde0 up. The first one makes the switch. */
  stack(...addresses: string[]): Stack {
    const url = `${this.#stacks.length === 0 ? 'switch' : 'vde'}://${this.directory}/switch`;
    const stack = new Stack('vdestack', url);
    this.#stacks.push(stack);
    const ifindex = stack.if_nametoindex('vde0');
    stack.linksetupdown(ifindex, true);
    readyLinkLocal(stack, ifindex);
    for (const address of addresses) {
      const [ip = '', prefixlen] = address.split('/');
      stack.ipaddr_add(ip.includes(':') ? 10 : 2, ip, Number(prefixlen), ifindex);
    }
    return stack;
  }

  /** The locator of the switch, for stacks of the tests' own. */
  get vnl(): string {
    return `vde://${this.directory}/switch`;
  }

  /** dnsmasq as DHCP server (and more, as `args` say) in a stack. */
  async dnsmasq(stack: Stack, ...args: string[]): Promise<Server> {
    const server = new Server(stack.daemonPid!, 'dnsmasq', [
      '--keep-in-foreground',
      '--log-facility=-',
      '--log-dhcp',
      '--conf-file=/dev/null',
      '--pid-file=',
      `--dhcp-leasefile=${join(this.directory, `leases${this.#files++}`)}`,
      '--user=root',
      '--group=root',
      '--interface=vde0',
      '--except-interface=lo',
      '--bind-interfaces',
      ...(args.some((arg) => arg.startsWith('--port=')) ? [] : ['--port=0']),
      '--no-ping',
      ...args,
    ]);
    this.#servers.push(server);
    await server.logged(/started, version/);
    return server;
  }

  /** busybox's DHCP server in a stack. */
  async udhcpd(stack: Stack, ...lines: string[]): Promise<Server> {
    const base = join(this.directory, `udhcpd${this.#files++}`);
    const files = [`lease_file ${base}.leases`, `pidfile ${base}.pid`, 'interface vde0'];
    writeFileSync(`${base}.leases`, '');
    writeFileSync(`${base}.conf`, `${[...files, ...lines].join('\n')}\n`);
    const server = new Server(stack.daemonPid!, 'udhcpd', ['-f', '-I', addressOf(stack), `${base}.conf`]);
    this.#servers.push(server);
    await server.logged(/started/);
    return server;
  }

  async close(): Promise<void> {
    for (const server of this.#servers) await server.stop('SIGKILL');
    // the first one is the switch that the others hang on
    for (const stack of this.#stacks.reverse()) await stack.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function addressOf(stack: Stack): string {
  const addresses = stack.interfaces().flatMap((link) => link.addresses);
  return addresses.find(({ family, scope }) => family === 'IPv4' && scope === 0)?.address ?? '0.0.0.0';
}

/** What a stack has that configuration can change, sorted: without loopback, link-local addresses and their routes. */
export function stateOf(stack: Stack, ifname = 'vde0'): { addresses: string[]; routes: string[] } {
  const link = stack.interfaces().find(({ name }) => name === ifname)!;
  const addresses = link.addresses.map(({ address, prefixlen }) => `${address}/${prefixlen}`);
  const routes = stack.routes().filter(({ gw }) => gw !== null);
  return {
    addresses: addresses.filter((address) => !address.startsWith('fe80:')).sort(),
    routes: routes.map(({ dst, dst_prefixlen, gw }) => `${dst}/${dst_prefixlen} ${gw}`).sort(),
  };
}
