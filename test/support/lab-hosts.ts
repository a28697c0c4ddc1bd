import { AF_INET, SOCK_DGRAM, type Socket } from 'ioth';
import type { Lab, LabHost } from 'ioth/lab';
import { PATIENCE_MS, until } from './until.js';

/** What hosts of a lab do in tests. */

/** A UDP socket of a host. */
export function udpSocket(host: LabHost, port = 0, seconds = PATIENCE_MS / 1000): Socket {
  const socket = host.stack.socket(AF_INET, SOCK_DGRAM);
  socket.settimeout(seconds);
  socket.bind(['', port]);
  return socket;
}

/** Sends a datagram, and returns whether it arrives, or else a NAT of the network 'internet' drops it. */
export async function passesNat(lab: Lab, sender: Socket, to: string, receiver: Socket): Promise<boolean> {
  const dropped = async () => (await lab.networks.internet!.stats()).total.dropped.nat;
  const before = await dropped();
  const ended = new AbortController();
  let isThere = false;
  receiver.recv(100, 0, { signal: ended.signal }).then(
    () => {
      isThere = true;
    },
    () => {},
  );
  await sender.sendto('probe', to);
  await until('it arrives or is dropped', async () => isThere || (await dropped()) > before);
  ended.abort();
  return isThere;
}

/** The body of an HTTP response. */
export function get(host: LabHost, url: string): Promise<string> {
  return host.run(() => fetch(url, { headers: { connection: 'close' } }).then((response) => response.text()));
}
