import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AF_INET, AF_INET6, Stack, type StackSettings } from 'ioth';
import { readyLinkLocal } from '../../lib/config/link-local.js';
import { type Child, start } from './child.js';
import { temporaryDirectory } from './directory.js';
import { FrameLog } from './frame-log.js';
import { expectNothingLeft, type Holdings, holdings } from './leaks.js';
import { intoNamespace } from './namespace.js';
import { waitForNeighbours } from './neighbours.js';
import { type Reporter, reporters } from './reports.js';
import { becomes } from './until.js';

/**
 * dnsmasq in the foreground, with no file of the machine. --keep-in-foreground would have it change its groups, which the root of
 * an unprivileged user's namespace cannot do: user_namespaces(7).
 */
export const DNSMASQ = ['--no-daemon', '--log-facility=-', '--conf-file=/dev/null', '--pid-file='] as const;

/**
 * Stacks on a switch of their own, and servers in their namespaces. Stack number i (from 0) of those that it begins with has
 * 10.0.0.(i+1)/24 and fd00::(i+1)/64 on vde0, and lo up.
 */
export class Network implements Reporter {
  readonly dir = temporaryDirectory();
  readonly #stacks: Stack[] = [];
  readonly #servers: Child[] = [];
  #before: Holdings | undefined;
  #log: FrameLog | undefined;
  #files = 0;

  /** Makes its first stacks, 2 unless `count` says how many. Nothing is left where that fails. */
  static async create(count = 2): Promise<Network> {
    const network = new Network();
    await network.open(count);
    return network;
  }

  /** Joins one more stack: 'vde://…'. */
  get vnl(): string {
    return `vde://${this.dir}/switch`;
  }

  /** In the order of their making; the first one's daemon is the switch. */
  get stacks(): readonly Stack[] {
    return this.#stacks;
  }

  async open(count: number): Promise<void> {
    this.#before = holdings();
    reporters.add(this);
    try {
      for (let i = 0; i < count; i++) configure(this.join(), i + 1);
    } catch (error) {
      await this.close();
      throw error;
    }
    if (this.#stacks[0]) this.#log = new FrameLog(this.#stacks[0]);
  }

  /** One more stack, as it is made: without addresses, its link down. The first one makes the switch. */
  join(config?: string | null, settings?: StackSettings): Stack {
    const vnl = this.#stacks.length === 0 ? `switch://${this.dir}/switch` : this.vnl;
    const stack = new Stack('vdestack', vnl, config, settings);
    this.#stacks.push(stack);
    waitForNeighbours(stack, stack.if_nametoindex('vde0'));
    return stack;
  }

  /** One more stack with these addresses ('10.0.0.9/24'), its link up and its link-local address ready. */
  stack(...addresses: string[]): Stack {
    const stack = this.join();
    const ifindex = stack.if_nametoindex('vde0');
    stack.linksetupdown(ifindex, true);
    readyLinkLocal(stack, ifindex);
    for (const address of addresses) {
      const [ip = '', prefixlen] = address.split('/');
      stack.ipaddr_add(ip.includes(':') ? AF_INET6 : AF_INET, ip, Number(prefixlen), ifindex);
    }
    return stack;
  }

  /** Starts a program in the network namespace of a stack. It ends with the network. */
  server(stack: Stack, command: string, args: readonly string[]): Child {
    const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
    const server = start(command, args, { prefix: intoNamespace(Number(stack.daemonPid)), env, limit: 600_000 });
    this.#servers.push(server);
    return server;
  }

  /** Starts dnsmasq as DHCP server (and more, as `args` say) in a stack. */
  async dnsmasq(stack: Stack, ...args: string[]): Promise<Child> {
    const server = this.server(stack, 'dnsmasq', [
      ...DNSMASQ,
      '--log-dhcp',
      `--dhcp-leasefile=${join(this.dir, `leases${this.#files++}`)}`,
      '--interface=vde0',
      '--except-interface=lo',
      '--bind-interfaces',
      ...(args.some((arg) => arg.startsWith('--port=')) ? [] : ['--port=0']),
      '--no-ping',
      ...args,
    ]);
    await server.logs(/started, version/);
    return server;
  }

  /** Starts busybox's DHCP server in a stack. */
  async udhcpd(stack: Stack, ...lines: string[]): Promise<Child> {
    const base = join(this.dir, `udhcpd${this.#files++}`);
    const files = [`lease_file ${base}.leases`, `pidfile ${base}.pid`, 'interface vde0'];
    writeFileSync(`${base}.leases`, '');
    writeFileSync(`${base}.conf`, `${[...files, ...lines].join('\n')}\n`);
    const server = this.server(stack, 'udhcpd', ['-f', '-I', addressOf(stack), `${base}.conf`]);
    await server.logs(/started/);
    return server;
  }

  /** Ends servers and stacks, and checks that the process holds what it held before, and that the switch left no file. */
  async close(): Promise<void> {
    reporters.delete(this);
    await Promise.all(this.#servers.splice(0).map((server) => server.stop()));
    this.#log?.close();
    // the first one is the switch that the others hang on
    for (const stack of this.#stacks.splice(0).reverse()) await stack.close();
    // the switch removes its sockets when its daemon ends, a moment after the stack
    await becomes(() => !this.#hasSwitch);
    const hasSwitch = this.#hasSwitch;
    rmSync(this.dir, { recursive: true, force: true });
    expect({ hasSwitch }).toEqual({ hasSwitch: false });
    if (this.#before) await expectNothingLeft(this.#before);
  }

  /** The last frames that its first stack sent and received in this test, a line each. */
  report(): string[] {
    return this.#log ? ['--- frames of the first stack:', ...this.#log.lines()] : [];
  }

  forget(): void {
    this.#log?.forget();
  }

  get #hasSwitch(): boolean {
    return readdirSync(this.dir).includes('switch');
  }
}

/** A network for the tests of the file, or for each of them: made and closed by hooks. */
export function useNetwork(count = 2, per: 'file' | 'test' = 'file'): Pick<Network, keyof Network> {
  let network: Network | undefined;
  const [before, after] = per === 'file' ? [beforeAll, afterAll] : [beforeEach, afterEach];
  before(async () => {
    network = await Network.create(count);
  });
  after(async () => {
    const ended = network;
    network = undefined;
    await ended?.close();
  });
  return new Proxy({} as Network, {
    get(_, key) {
      if (!network) throw new Error('the network of useNetwork() is there in tests and in hooks after its own');
      const value = Reflect.get(network, key, network);
      return typeof value === 'function' ? value.bind(network) : value;
    },
  });
}

/** Gives a stack the addresses that end in `number`. */
export function configure(stack: Stack, number: number, ifname = 'vde0'): void {
  const ifindex = stack.if_nametoindex(ifname);
  waitForNeighbours(stack, ifindex);
  stack.linksetupdown(stack.if_nametoindex('lo'), true);
  stack.linksetupdown(ifindex, true);
  stack.ipaddr_add(AF_INET, `10.0.0.${number}`, 24, ifindex);
  stack.ipaddr_add(AF_INET6, `fd00::${number}`, 64, ifindex);
}

/** A stack on 10.0.0.1/24 of a network where nobody answers. */
export function aloneStack(): Stack {
  const stack = new Stack('vdestack', 'null://');
  const ifindex = stack.if_nametoindex('vde0');
  stack.linksetupdown(stack.if_nametoindex('lo'), true);
  stack.linksetupdown(ifindex, true);
  stack.ipaddr_add(AF_INET, '10.0.0.1', 24, ifindex);
  return stack;
}

/**
 * An address that nobody has and that needs no ARP: a connect to it waits until its own limit. Without the entry ARP ends it with
 * EHOSTUNREACH three seconds after the first packet to the address, which may be that of an earlier test.
 */
export function silentAddress(stack: Stack): string {
  const entry = ['10.0.0.77', 'lladdr', '02:00:00:00:00:77', 'nud', 'permanent', 'dev', 'vde0'];
  expect(stack.spawnSync('ip', ['neigh', 'replace', ...entry])).toMatchObject({ status: 0 });
  return '10.0.0.77';
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

function addressOf(stack: Stack): string {
  const addresses = stack.interfaces().flatMap((link) => link.addresses);
  return addresses.find(({ family, scope }) => family === 'IPv4' && scope === 0)?.address ?? '0.0.0.0';
}
