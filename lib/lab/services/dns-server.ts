import type { Socket as NetSocket, Server } from 'node:net';
import { pipeline } from 'node:stream';
import { u16 } from '../../config/bytes.js';
import { receiveAll, trySend } from '../../config/receive-loop.js';
import { AF_INET, SOCK_DGRAM } from '../../constants/socket.js';
import type { Stack } from '../../stack/stack.js';
import type { Attachment } from '../topology/host-plan.js';
import type { DnsZone } from './dns-zone.js';

export const DNS_PORT = 53;
const MAX_QUERY = 4096;
/** The time that a connection may be idle: RFC 7766, 6.2.3 leaves it to the server. */
const IDLE_TIMEOUT_MS = 10_000;

/**
 * Starts a DNS server in a stack: UDP, and TCP (RFC 7766). It has a socket for each address of some interfaces, and answers from
 * the address that was asked. It ends with the stack, and does not keep the process alive.
 */
export async function serveDns(stack: Stack, attachments: readonly Attachment[], zone: DnsZone): Promise<void> {
  for (const { addresses } of attachments) {
    for (const [family, address] of addresses) {
      const socket = stack.socket(family, SOCK_DGRAM);
      socket.bind([address, DNS_PORT]);
      void receiveAll(socket, async () => {
        const [query, from] = await socket.recvfrom(MAX_QUERY);
        const answer = zone.answer(query, false);
        if (answer) trySend(() => socket.sync.sendto(answer, [from.address, from.port]));
      });
      await listen(
        stack.net.createServer((connection) => serveConnection(connection, zone)),
        address,
        family,
      );
    }
  }
}

async function listen(server: Server, address: string, family: number): Promise<void> {
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port: DNS_PORT, ipv6Only: family !== AF_INET }, resolve);
  });
}

/** Serves a TCP connection. Each message has its length in front (RFC 1035, 4.2.2). */
function serveConnection(connection: NetSocket, zone: DnsZone): void {
  connection.unref();
  connection.setTimeout(IDLE_TIMEOUT_MS, () => connection.destroy());
  // if a client does not read its answers, its queries are not read either
  const answers = (data: AsyncIterable<Buffer>) => answersTo(data, zone);
  pipeline(connection, answers, connection, () => connection.destroy());
}

async function* answersTo(data: AsyncIterable<Buffer>, zone: DnsZone): AsyncGenerator<Buffer> {
  let received: Buffer = Buffer.alloc(0);
  for await (const chunk of data) {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      const answer = zone.answer(received.subarray(2, end), true);
      received = received.subarray(end);
      if (answer) yield Buffer.concat([u16(answer.length), answer]);
    }
  }
}
