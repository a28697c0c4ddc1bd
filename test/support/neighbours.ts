import { AF_INET, AF_INET6, AF_NETLINK, SOCK_RAW, type Stack } from '../../lib/index.js';
import { NLM_F_ACK, NLM_F_REQUEST } from '../../lib/netlink/constants.js';
import { decodeMessages, encodeMessage } from '../../lib/netlink/message.js';
import { PATIENCE_MS } from './until.js';

const RTM_SETNEIGHTBL = 67;
const [NDTA_NAME, NDTA_PARMS] = [1, 6];
const [NDTPA_IFINDEX, NDTPA_UCAST_PROBES, NDTPA_MCAST_PROBES] = [1, 10, 11];
const TABLES = [
  [AF_INET, 'arp_cache'],
  [AF_INET6, 'ndisc_cache'],
] as const;

/**
 * Lets a stack ask for its neighbours once a second for as long as anything may take. With the three questions of a kernel a
 * neighbour is unreachable where a daemon between them stands still for three seconds. By netlink, since sysctl takes a program
 * for each value.
 */
export function waitForNeighbours(stack: Stack, ifindex: number): void {
  const probes = PATIENCE_MS / 1000;
  const parameters = [
    [NDTPA_IFINDEX, ifindex],
    [NDTPA_UCAST_PROBES, probes],
    [NDTPA_MCAST_PROBES, probes],
  ] as const;
  const requests = TABLES.map(([family, name], seq) =>
    encodeMessage({ type: RTM_SETNEIGHTBL, flags: NLM_F_REQUEST | NLM_F_ACK, seq }, Buffer.from([family, 0, 0, 0]), [
      [NDTA_NAME, name],
      [NDTA_PARMS, parameters],
    ]),
  );
  using socket = stack.socket(AF_NETLINK, SOCK_RAW);
  socket.sync.send(Buffer.concat(requests));
  for (const [, name] of TABLES) {
    const [answer] = decodeMessages(socket.sync.recv(4096), 'RTM_SETNEIGHTBL');
    const error = answer?.payload.readInt32LE();
    if (error !== 0) throw new Error(`${name} of interface ${ifindex} stays as it is: ${error}`);
  }
}
