import type { LinkFaults } from '../fabric/faults.js';

/** A network: its prefixes, and what goes wrong on each of its links, in tc-netem(8)'s names and units. */
export interface NetworkConfig extends LinkFaults {
  /** The IPv4 prefix: '10.0.0.0/24'. */
  prefix?: string;
  /** The IPv6 prefix: 'fd00::/64'. */
  prefix6?: string;
  /**
   * 'slirp': a way out of the lab, by the user-space NAT of libvdeplug_slirp. The network is then 10.0.2.0/24, and its hosts have a
   * default route and, without a DNS server in the lab, the machine's name servers. Default: there is none.
   */
  exit?: 'slirp';
  /** That no router joins it with the other networks is meant so: default false. */
  isolated?: boolean;
}

/** A host: the network or networks that it is on, or these and more. */
export type HostConfig<N extends string = string> = N | readonly N[] | HostOptions<N>;

/** A host that needs more than the names of its networks. */
export interface HostOptions<N extends string = string> {
  /** The network that it is on, or several. */
  networks: N | readonly N[];
  /** Addresses of its own, each in a prefix of one of its networks. Where there is none, the next that is free. */
  address?: string | readonly string[];
  /** Whether it forwards packets: default true for a host that is on two networks or more. */
  router?: boolean;
}

/** The argument of `Lab.create`. */
export interface LabConfig<N extends string = string, H extends string = string> {
  /** The networks by name, which is the interface's name on each host. A text is the prefix: '10.0.0.0/24'. */
  networks: Readonly<Record<N, string | NetworkConfig>>;
  /** The hosts by name, in the order in which they get addresses. */
  hosts: Readonly<Record<H, HostConfig<NoInfer<N>>>>;
  /** What random faults come from: the same seed repeats them. Default 1. */
  seed?: number;
  /** The host that serves the lab's names by DNS. Without it every host has a hosts table. */
  dns?: NoInfer<H>;
  /** The host that gives those on its networks their addresses by DHCP. Without it they are set. */
  dhcp?: NoInfer<H>;
  /** The domain of the hosts' names: default 'lab.test'. */
  domain?: string;
}
