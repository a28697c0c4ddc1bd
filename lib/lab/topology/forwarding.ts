import { availableParallelism } from 'node:os';
import type { NetworkPlan } from './config.js';
import { guardedBy } from './host-plan.js';
import type { Topology } from './topology.js';

/** A busy network needs a thread that forwards, and processors for the hosts that talk. */
const PROCESSORS_A_THREAD = 4;

/** Which thread forwards the frames of which network. */
export interface ForwardingPlan {
  /** The number of threads. */
  readonly threads: number;
  /** The number of a network's thread, from 0. */
  readonly threadOf: ReadonlyMap<NetworkPlan, number>;
}

/** Plans the threads of a lab. What a NAT or firewall remembers is in one thread, so all its networks are too. */
export function forwardingPlan({ networks, nats, firewalls, threads: most }: Topology): ForwardingPlan {
  const groups = new Map(networks.map((network, i) => [network, i]));
  const join = (joined: readonly NetworkPlan[]) => {
    const numbers = joined.map((network) => groups.get(network)!);
    const first = Math.min(...numbers);
    for (const [network, group] of groups) if (numbers.includes(group)) groups.set(network, first);
  };
  for (const { outside, inside } of nats.values()) join([outside.network, ...inside]);
  for (const host of firewalls.keys()) join(guardedBy(host));
  const numbers = [...new Set(groups.values())];
  const threads = Math.max(1, Math.min(most ?? usualThreads(), numbers.length));
  const threadOf = new Map([...groups].map(([network, group]) => [network, numbers.indexOf(group) % threads]));
  return { threads, threadOf };
}

function usualThreads(): number {
  return Math.floor(availableParallelism() / PROCESSORS_A_THREAD);
}
