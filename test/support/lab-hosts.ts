import { once } from 'node:events';
import { get as request } from 'node:http';
import { text } from 'node:stream/consumers';
import { AF_INET, SOCK_DGRAM, type Socket } from 'ioth';
import { Lab, type LabConfig, type LabHost } from 'ioth/lab';
import { waitForNeighbours } from './neighbours.js';
import { PATIENCE_MS, until } from './until.js';

/** What hosts of a lab do in tests. */

/** Makes a lab whose hosts are patient: {@link makePatient}. */
export async function patientLab<const N extends string, const H extends string>(
  config: LabConfig<N, H>,
): Promise<Lab<N, H>> {
  const lab = await Lab.create(config);
  makePatient(lab);
  return lab;
}

/** Lets the hosts of a lab ask for a neighbour as long as a test waits. A host that restarted has to be told again. */
export function makePatient(lab: { readonly hosts: Readonly<Record<string, LabHost>> }): void {
  for (const { stack, networks } of Object.values(lab.hosts)) {
    for (const name of networks) waitForNeighbours(stack, stack.if_nametoindex(name));
  }
}

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

/** The body of an HTTP response. Unlike fetch() it has no limit of ten seconds for the connection. */
export function get(host: LabHost, url: string): Promise<string> {
  return host.run(async () => {
    const [response] = await once(request(url, { agent: false }), 'response');
    return await text(response);
  });
}
