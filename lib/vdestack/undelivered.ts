import { listedSockets, readProcFile } from '../process/proc-file.js';

/** A TCP connection that was closed here before its peer got everything. */
export interface Undelivered {
  readonly family: 'tcp' | 'tcp6';
  /** The address and port in hexadecimal, as in /proc. */
  readonly local: string;
  readonly remote: string;
  /** The number of bytes that the peer did not acknowledge. */
  readonly bytes: number;
  /** True if some of them were sent and are not acknowledged. */
  readonly isUnderWay: boolean;
}

/** The states in which data or a FIN may be in flight, after close(2). */
const ENDING = ['FIN-WAIT-1', 'LAST-ACK', 'CLOSING'];
/** ICSK_TIME_RETRANS of include/net/inet_connection_sock.h. */
const RETRANSMISSION = '01:';

/**
 * Lists the TCP connections of a network namespace that no descriptor refers to, and that have data or a FIN in flight. Cheap if
 * the namespace has no TCP sockets. Otherwise the kernel walks the connections of all namespaces: 3 ms.
 * @param pid a process in the namespace
 */
export function undelivered(pid: number): Undelivered[] {
  return [...undeliveredOf(pid, 'tcp', 'sockstat', 'TCP'), ...undeliveredOf(pid, 'tcp6', 'sockstat6', 'TCP6')];
}

function undeliveredOf(pid: number, family: 'tcp' | 'tcp6', totals: string, name: string): Undelivered[] {
  const count = new RegExp(`^${name}: inuse (\\d+)`, 'm').exec(readProcFile(pid, `net/${totals}`))?.[1];
  if (count === undefined || count === '0') return [];
  const sockets = listedSockets(readProcFile(pid, `net/${family}`));
  return sockets.flatMap(({ local, remote, state, queues, timer, inode }) => {
    if (inode !== '0' || !ENDING.includes(state)) return [];
    // a FIN takes one sequence number
    const bytes = Math.max(0, Number.parseInt(queues, 16) - 1);
    return [{ family, local, remote, bytes, isUnderWay: timer.startsWith(RETRANSMISSION) }];
  });
}

/** Returns how many RST a network namespace has sent: RFC 4022, tcpOutRsts. */
export function resetsSent(pid: number): number {
  const [names, values] = readProcFile(pid, 'net/snmp').match(/^Tcp:.*/gm) ?? [];
  return Number(values?.split(' ')[names?.split(' ').indexOf('OutRsts') ?? -1]) || 0;
}
