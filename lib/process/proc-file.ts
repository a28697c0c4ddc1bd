import { readFileSync, readlinkSync } from 'node:fs';

/** The states of a TCP socket, as ss(8) names them, by their numbers in include/net/tcp_states.h. */
const STATES: Readonly<Record<string, string>> = {
  '01': 'ESTABLISHED',
  '02': 'SYN-SENT',
  '03': 'SYN-RECV',
  '04': 'FIN-WAIT-1',
  '05': 'FIN-WAIT-2',
  '06': 'TIME-WAIT',
  '07': 'CLOSE',
  '08': 'CLOSE-WAIT',
  '09': 'LAST-ACK',
  '0A': 'LISTEN',
  '0B': 'CLOSING',
};

/** Reads a file of proc(5) of a process or thread. Returns '' if it may not be read, or if the process is gone. */
export function readProcFile(pid: number | string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** Returns what a descriptor of a process refers to: 'pipe:[4711]', '/dev/pts/3'. Returns '' if that may not be read, or is gone. */
export function descriptorOf(pid: number | string, fd: number | string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return '';
  }
}

/** Parses a file of proc(5) that lists sockets: net/tcp, net/tcp6, net/udp, net/udp6. Numbers stay in hexadecimal. */
export function listedSockets(text: string) {
  const [, ...lines] = text.trimEnd().split('\n');
  return lines.map((line) => {
    const [, local = '', remote = '', state = '', queues = '', timer = '', , , , inode] = line.trim().split(/\s+/);
    return { local, remote, state: STATES[state] ?? state, queues, timer, inode };
  });
}

/**
 * Returns the child processes of a thread, in the order in which they were made.
 * @param thread its directory in /proc: 'thread-self' or 'self/task/TID'
 */
export function childrenOf(thread: string): number[] {
  return readProcFile(thread, 'children').split(' ').filter(Boolean).map(Number);
}
