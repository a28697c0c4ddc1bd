import { type AddressInfo, isIPv6 } from 'node:net';
import { printError } from '../terminal.js';

/** The settings of `ioth nc`, for TCP and UDP. */
export interface Endpoint {
  /** The address of the peer, or our own if it listens; undefined for any of our own. */
  host: string | undefined;
  port: number;
  listens: boolean;
  /** Milliseconds without data after which it ends; undefined for no limit. */
  idleMs: number | undefined;
  signal: AbortSignal;
}

/** Calls `onIdle` after a time without data. The timer's refresh() restarts the time, because data came or went. */
export function idleTimer({ idleMs }: Endpoint, onIdle: () => void): NodeJS.Timeout | undefined {
  return idleMs === undefined ? undefined : setTimeout(onIdle, idleMs);
}

/** Prints the address of a server. */
export function printListening({ address, port }: AddressInfo): void {
  printError(`listening on ${isIPv6(address) ? `[${address}]` : address}:${port}`);
}
