import { ipBytes } from '../../address/ip.js';
import { formatMac } from '../../address/mac.js';
import { checkBoolean, invalidValue } from '../../core/validate.js';
import type { HostRequest } from './hosts.js';
import { type Attachment, EXIT, type HostPlan, type NetworkPlan } from './plan.js';
import { addressAt, familyText, hasHost, type Prefix } from './prefix.js';

/** Assigns the addresses of all hosts: first those that hosts ask for, then the first free ones, in the order of the hosts. */
export function assignAddresses(requests: readonly HostRequest[], networks: readonly NetworkPlan[]): HostPlan[] {
  const pools = new Map(
    networks.flatMap((network) => network.prefixes.map((prefix) => [prefix, new Pool(network, prefix)])),
  );
  const wishes = new Map(requests.map((request) => [request, takeWishes(request, pools)]));
  return requests.map((request, position) => ({
    name: request.name,
    isRouter: isRouter(request),
    attachments: request.networks.map((network): Attachment => {
      const addresses = network.prefixes.map((prefix): [number, string] => {
        const wish = wishes.get(request)?.get(prefix);
        return [prefix.family, wish ?? (pools.get(prefix) as Pool).next(request.name)];
      });
      return { network, mac: macOf(networks.indexOf(network), position), addresses: new Map(addresses) };
    }),
  }));
}

/** Returns whether a host forwards packets. */
function isRouter({ name, networks, router }: HostRequest): boolean {
  return router === undefined ? networks.length > 1 : checkBoolean(`config.hosts.${name}.router`, router);
}

/** Takes the addresses that a host asks for, and returns them by prefix. */
function takeWishes({ name, addresses, networks }: HostRequest, pools: Map<Prefix, Pool>): Map<Prefix, string> {
  const wishes = new Map<Prefix, string>();
  const where = `config.hosts.${name}.address`;
  for (const address of addresses) {
    const prefixes = networks.flatMap((network) => network.prefixes);
    const prefix = prefixes.find((each) => hasHost(each, address));
    if (!prefix) {
      const known = prefixes.map(({ text }) => text).join(' or ');
      throw invalidValue(where, `an address that a host of ${known} can have`, address);
    }
    if (wishes.has(prefix)) throw invalidValue(where, `one address of ${prefix.text}`, addresses);
    pools.get(prefix)?.take(address, name);
    wishes.set(prefix, address);
  }
  return wishes;
}

/** The addresses of a prefix. */
class Pool {
  readonly #owners = new Map<string, string>();
  #last = 0n;

  constructor(
    readonly network: NetworkPlan,
    readonly prefix: Prefix,
  ) {
    if (!network.hasExit || prefix.text !== EXIT.prefix) return;
    for (const address of [EXIT.router, EXIT.nameserver]) this.#owners.set(this.#key(address), 'slirp');
  }

  take(address: string, host: string): void {
    // an address can have several texts: fd00::1 and fd00:0::1
    const key = this.#key(address);
    const owner = this.#owners.get(key);
    if (owner !== undefined) {
      throw invalidValue(`config.hosts.${host}.address`, `an address that host '${owner}' does not have`, address);
    }
    this.#owners.set(key, host);
  }

  next(host: string): string {
    for (this.#last++; this.#last <= this.prefix.capacity; this.#last++) {
      const address = addressAt(this.prefix, this.#last);
      if (this.#owners.has(this.#key(address))) continue;
      this.#owners.set(this.#key(address), host);
      return address;
    }
    const { text, capacity } = this.prefix;
    const expected = `large enough for its hosts: ${text} has ${capacity} addresses, and '${host}' needs one more`;
    throw invalidValue(`the ${familyText(this.prefix)} prefix of network '${this.network.name}'`, expected, text);
  }

  #key(address: string): string {
    return Buffer.from(ipBytes(address)).toString('hex');
  }
}

/** Returns a locally administered MAC, which is the same in every run, so that captures can be compared. */
function macOf(network: number, host: number): string {
  return formatMac(Uint8Array.of(2, 0, network >> 8, network & 0xff, (host + 1) >> 8, (host + 1) & 0xff));
}
