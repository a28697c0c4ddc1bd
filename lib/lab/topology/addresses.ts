import { iothaddr } from '../../address/iothaddr.js';
import { familyName, ipBytes, ipText } from '../../address/ip.js';
import { formatMac } from '../../address/mac.js';
import { AF_INET, AF_INET6 } from '../../constants/socket.js';
import { checkBoolean, invalidValue } from '../../core/validate.js';
import { EXIT, type HostRequest, type NetworkPlan } from './config.js';
import { type Attachment, type HostPlan, RoamingPlan } from './host-plan.js';
import { addressAt, hasHost, type Prefix } from './prefix.js';

/** Assigns the addresses of all hosts: first those that hosts ask for, then the first free ones, in the order of the hosts. */
export function assignAddresses(requests: readonly HostRequest[], networks: readonly NetworkPlan[]): HostPlan[] {
  const pools = new Map(
    networks.flatMap((network) => network.prefixes.map((prefix) => [prefix, new Pool(network, prefix)])),
  );
  const wishes = new Map(requests.map((request) => [request, takeWishes(request, pools)]));
  return requests.map((request, position) => {
    const attachments = request.networks.map((network): Attachment => {
      const mac = macOf(networks.indexOf(network), position);
      const wished = wishes.get(request);
      const isSlaac = (prefix: Prefix) =>
        network.ra !== undefined && prefix.family === AF_INET6 && !wished?.has(prefix) && !isRouter(request);
      const addresses = network.prefixes.map((prefix): [number, string] => {
        const pool = pools.get(prefix) as Pool;
        const free = () =>
          isSlaac(prefix) ? pool.take(slaacAddress(prefix, mac), request.name) : pool.next(request.name);
        return [prefix.family, wished?.get(prefix) ?? free()];
      });
      const link = request.links.get(network.name);
      return { network, mac, addresses: new Map(addresses), link, slaac: network.prefixes.some(isSlaac) };
    });
    const { name, nat, firewall, roams } = request;
    if (roams) return new RoamingPlan(name, attachments, firewall);
    return { name, isRouter: isRouter(request), nat, firewall, attachments };
  });
}

/** Returns the address that a kernel makes of a prefix: RFC 4862, 5.5.3; RFC 4291, appendix A. */
function slaacAddress(prefix: Prefix, mac: string): string {
  return iothaddr.eui64(addressAt(prefix, 0n), mac);
}

/** Returns whether a host forwards packets. */
function isRouter({ name, networks, router, roams }: HostRequest): boolean {
  return router === undefined ? networks.length > 1 && !roams : checkBoolean(`config.hosts.${name}.router`, router);
}

/** Takes the addresses that a host asks for, and returns them by prefix. */
function takeWishes({ name, addresses, networks, nat }: HostRequest, pools: Map<Prefix, Pool>): Map<Prefix, string> {
  const wishes = new Map<Prefix, string>();
  for (const address of nat?.addresses ?? []) {
    const prefix = nat?.outside.prefixes.find((each) => each.family === AF_INET && hasHost(each, address));
    if (!prefix) {
      const expected = `IPv4 addresses of network '${nat?.outside.name}'`;
      throw invalidValue(`config.hosts.${name}.nat.addresses`, expected, address);
    }
    pools.get(prefix)!.take(address, name);
  }
  const where = `config.hosts.${name}.address`;
  for (const address of addresses) {
    const prefixes = networks.flatMap((network) => network.prefixes);
    const prefix = prefixes.find((each) => hasHost(each, address));
    if (!prefix) {
      const known = prefixes.map(({ text }) => text).join(' or ');
      throw invalidValue(where, `an address that a host of ${known} can have`, address);
    }
    if (wishes.has(prefix)) throw invalidValue(where, `one address of ${prefix.text}`, addresses);
    wishes.set(prefix, pools.get(prefix)!.take(address, name));
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
    for (const address of [EXIT.router, EXIT.nameserver]) this.#owners.set(address, 'slirp');
  }

  /**
   * Takes an address, which can have several texts: fd00::1 and FD00:0::1.
   * @returns the text that stacks and captures have
   * @throws {TypeError} ERR_INVALID_ARG_VALUE if it is another host's
   */
  take(address: string, host: string): string {
    const text = ipText(ipBytes(address));
    const owner = this.#owners.get(text);
    if (owner !== undefined) {
      throw invalidValue(`config.hosts.${host}.address`, `an address that host '${owner}' does not have`, address);
    }
    this.#owners.set(text, host);
    return text;
  }

  next(host: string): string {
    for (this.#last++; this.#last <= this.prefix.capacity; this.#last++) {
      const address = addressAt(this.prefix, this.#last);
      if (this.#owners.has(address)) continue;
      this.#owners.set(address, host);
      return address;
    }
    const { text, capacity } = this.prefix;
    const expected = `large enough for its hosts: ${text} has ${capacity} addresses, and '${host}' needs one more`;
    throw invalidValue(
      `the ${familyName(this.prefix.family)} prefix of network '${this.network.name}'`,
      expected,
      text,
    );
  }
}

/** Returns a locally administered MAC, which is the same in every run, so that captures can be compared. */
function macOf(network: number, host: number): string {
  return formatMac(Uint8Array.of(2, 0, network >> 8, network & 0xff, (host + 1) >> 8, (host + 1) & 0xff));
}
