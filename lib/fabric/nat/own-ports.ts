import { IPPROTO_TCP, IPPROTO_UDP } from '../../constants/inet.js';
import { listedSockets, readProcFile } from '../../process/proc-file.js';

const FILES: Readonly<Record<number, readonly string[]>> = {
  [IPPROTO_TCP]: ['net/tcp', 'net/tcp6'],
  [IPPROTO_UDP]: ['net/udp', 'net/udp6'],
};

/**
 * Returns whether a socket in a network namespace has a local port. Reads it from proc(5) each time, so that the answer is never old.
 * @param pid a process in the namespace
 */
export function hasPort(pid: number, protocol: number, port: number): boolean {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return (FILES[protocol] ?? []).some((file) =>
    listedSockets(readProcFile(pid, file)).some(({ local }) => local.endsWith(suffix)),
  );
}
