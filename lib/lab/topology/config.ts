import type { LinkFaults } from '../../fabric/faults.js';

/** A network: its prefixes, and the faults of each of its links, in the names and units of tc-netem(8). */
export interface NetworkConfig extends LinkFaults {
  /** The IPv4 prefix: '10.0.0.0/24'. */
  prefix?: string;
  /** The IPv6 prefix: 'fd00::/64'. */
  prefix6?: string;
  /**
   * 'slirp': a way out of the lab, by the user-space NAT of libvdeplug_slirp. The network is then 10.0.2.0/24. Its hosts have a
   * default route and, without a DNS server in the lab, the machine's name servers. Default: none.
   */
  exit?: 'slirp';
  /** True if no route leads to it from the other networks, on purpose. Default false. */
  isolated?: boolean;
}

/** A host: the name of its network, an array of names, or an object with more options. */
export type HostConfig<N extends string = string> = N | readonly N[] | HostOptions<N>;

/** Options of a host. */
export interface HostOptions<N extends string = string> {
  /** The network or networks of the host. */
  networks: N | readonly N[];
  /** Its addresses, each in a prefix of one of its networks. Default, in each prefix: the next free one. */
  address?: string | readonly string[];
  /** True if the host forwards packets. Default: true on two or more networks. */
  router?: boolean;
}

/** The argument of `Lab.create`. */
export interface LabConfig<N extends string = string, H extends string = string> {
  /** The networks by name, which is the name of the interface on each host too. A string is the prefix: '10.0.0.0/24'. */
  networks: Readonly<Record<N, string | NetworkConfig>>;
  /** The hosts by name, in the order in which they get addresses. */
  hosts: Readonly<Record<H, HostConfig<NoInfer<N>>>>;
  /** The seed of random faults: the same seed repeats them. Default 1. */
  seed?: number;
  /** The host that serves the lab's names by DNS. Without it every host has a hosts table. */
  dns?: NoInfer<H>;
  /** The host that gives the hosts on its networks their IPv4 addresses by DHCP. Without it they are set without DHCP. */
  dhcp?: NoInfer<H>;
  /** The domain of the hosts' names. Default 'lab.test'. */
  domain?: string;
}
