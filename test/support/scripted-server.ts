import { setTimeout as delay } from 'node:timers/promises';
import * as dnsPacket from 'dns-packet';
import { AF_INET, type ListeningSocket, SOCK_DGRAM, SOCK_STREAM, type Socket, type Stack } from 'ioth';

/** A query as a server of the tests gets it. */
export interface ReceivedQuery {
  id: number;
  name: string;
  type: string;
  from: { address: string; port: number };
  isTcp: boolean;
  /** Whether it has an EDNS record. */
  edns: boolean;
}

/** What it sends back: bytes as they are, after a pause in milliseconds or an event, from another socket if one is named. */
export interface Sent {
  bytes: Buffer;
  after?: number | Promise<unknown>;
  via?: Socket;
}

/** A name server in a stack that says what a test wants, true or false. */
export class ScriptedServer {
  readonly queries: ReceivedQuery[] = [];
  readonly #sockets: Socket[] = [];
  #closed = false;

  constructor(
    readonly stack: Stack,
    readonly address: string,
    public answer: (query: ReceivedQuery) => Sent[],
    port = 53,
  ) {
    const udp = this.open(port);
    void this.#serveUdp(udp);
    const tcp = stack.socket(AF_INET, SOCK_STREAM);
    tcp.bind([address, port]);
    this.#sockets.push(tcp);
    void this.#serveTcp(tcp.listen());
  }

  /** One more UDP socket of the server, on another address or port. */
  open(port: number, address = this.address): Socket {
    const socket = this.stack.socket(AF_INET, SOCK_DGRAM);
    socket.bind([address, port]);
    this.#sockets.push(socket);
    return socket;
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets) socket.close();
  }

  async #serveUdp(socket: Socket): Promise<void> {
    while (!this.#closed) {
      try {
        const [bytes, from] = await socket.recvfrom(4096);
        const query = this.#received(bytes, from, false);
        for (const { bytes, after = 0, via = socket } of this.answer(query)) {
          void this.#later(after, () => via.sendto(bytes, [from.address, from.port]));
        }
      } catch (error) {
        if (!this.#closed) throw error;
      }
    }
  }

  async #serveTcp(listener: ListeningSocket): Promise<void> {
    for await (const connection of listener) {
      const [, ...rest] = [await connection.recv(2), await connection.recv(4096)];
      const query = this.#received(Buffer.concat(rest), connection.getpeername(), true);
      for (const { bytes } of this.answer(query)) {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(bytes.length);
        await connection.sendall(Buffer.concat([length, bytes]));
      }
      connection.close();
    }
  }

  #received(bytes: Buffer, { address, port }: { address: string; port: number }, isTcp: boolean): ReceivedQuery {
    const packet = dnsPacket.decode(bytes);
    const [question] = packet.questions ?? [];
    const edns = packet.additionals?.some((record) => record.type === 'OPT') ?? false;
    const query = { id: packet.id ?? 0, name: question?.name ?? '', type: question?.type ?? '', isTcp, edns };
    const received = { ...query, from: { address, port } };
    this.queries.push(received);
    return received;
  }

  async #later(pause: number | Promise<unknown>, send: () => Promise<unknown>): Promise<void> {
    await (typeof pause === 'number' && pause > 0 ? delay(pause) : pause);
    if (!this.#closed) await send();
  }
}

/** An answer to `query` with one address, changed by `edit` before it is encoded. */
export function answerTo(
  query: ReceivedQuery,
  address: string,
  edit: (packet: dnsPacket.Packet & { type: 'response' }) => void = () => {},
): Buffer {
  const question = { name: query.name, type: query.type as dnsPacket.RecordType };
  const packet: dnsPacket.Packet & { type: 'response' } = {
    type: 'response',
    id: query.id,
    flags: dnsPacket.RECURSION_AVAILABLE | dnsPacket.RECURSION_DESIRED,
    questions: [question],
    answers: query.type === 'A' ? [{ type: 'A', name: query.name, ttl: 60, data: address }] : [],
  };
  edit(packet);
  return dnsPacket.encode(packet);
}
