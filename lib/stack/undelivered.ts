import { readProcFile } from './proc-file.js';

/** A TCP connection that was closed here whose peer has not got everything. */
export interface Undelivered {
  readonly family: 'tcp' | 'tcp6';
  /** In hexadecimal, as /proc has them: address and port. */
  readonly local: string;
  readonly remote: string;
  /** Bytes that the peer did not acknowledge. */
  readonly bytes: number;
  /** Whether some of them were sent, and wait for their acknowledgement. */
  readonly isUnderWay: boolean;
}

// include/net/tcp_states.h
const FIN_WAIT1 = '04';
const LAST_ACK = '09';
const CLOSING = '0B';
/** ICSK_TIME_RETRANS of include/net/inet_connection_sock.h. */
const RETRANSMISSION = '01:';

/**
 * The TCP connections of a network namespace that no descriptor refers to, and that have data or a FIN under way.
 * Nothing closed is cheap to see; to list them the kernel goes through the connections of all namespaces: 3 ms.
 * @param pid a process in the namespace
 */
export function undelivered(pid: number): Undelivered[] {
  return [...undeliveredOf(pid, 'tcp', 'sockstat', 'TCP'), ...undeliveredOf(pid, 'tcp6', 'sockstat6', 'TCP6')];
}

function undeliveredOf(pid: number, family: 'tcp' | 'tcp6', totals: string, name: string): Undelivered[] {
  const count = new RegExp(`^${name}: inuse (\\d+)`, 'm').exec(readProcFile(pid, `net/${totals}`))?.[1];
  if (count === undefined || count === '0') return [];
  const lines = readProcFile(pid, `net/${family}`).trim().split('\n').slice(1);
  return lines.flatMap((line) => {
    const [, local = '', remote = '', state = '', queues = '', timer, , , , inode] = line.trim().split(/\s+/);
    if (inode !== '0' || ![FIN_WAIT1, LAST_ACK, CLOSING].includes(state)) return [];
    // a FIN takes one number of the sequence
    const bytes = Math.max(0, Number.parseInt(queues, 16) - 1);
    return [{ family, local, remote, bytes, isUnderWay: timer?.startsWith(RETRANSMISSION) === true }];
  });
}

/** How many RST a network namespace has sent: RFC 4022, tcpOutRsts. */
export function resetsSent(pid: number): number {
  const [names, values] = readProcFile(pid, 'net/snmp').match(/^Tcp:.*/gm) ?? [];
  return Number(values?.split(' ')[names?.split(' ').indexOf('OutRsts') ?? -1]) || 0;
}
