import type { PageEvent } from '../lib/lab/web/protocol.js';
import type { Decoded, Segment } from './decode/frame.js';

/** What a segment is in its connection. */
export interface TcpNotes {
  /** Numbers that count from the first one that was seen. */
  readonly sequence: number;
  readonly acknowledgment: number;
  /** 'retransmission' of data that passed before, or a 'gap': data before it has not passed. None if it may be just not shown. */
  readonly note: '' | 'retransmission' | 'gap';
}

interface Direction {
  readonly first: number;
  /** The number after the last byte that was seen. */
  next: number;
  /** Whether later bytes may have passed that are not shown. */
  isBehind: boolean;
}

interface Connection {
  /** The number of its SYN: it is the same on each network that the SYN passes. */
  readonly first: number;
  isMade: boolean;
  readonly ends: Set<string>;
}

const MAX_KNOWN = 2000;
const WRAP = 2 ** 32;

/** Returns what both directions of a conversation have in common; '' for a frame of none. */
export function conversationOf({ kind, from, to, fromPort, toPort, protocol }: Decoded): string {
  if (from === '') return '';
  const ends = [endText(from, fromPort), endText(to, toPort)].sort();
  const name = fromPort >= 0 ? (kind === 'tcp' || kind === 'http' || protocol === 'TLS' ? 'TCP' : 'UDP') : protocol;
  return `${name} ${ends.join(' ')}`;
}

function endText(address: string, port: number): string {
  if (port < 0) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Follows the connections of TCP. */
export class Conversations {
  readonly #directions = new Map<string, Direction>();
  readonly #connections = new Map<string, Connection>();

  /** Notes that frames have passed on a network that are not shown. */
  missed(network: string): void {
    for (const [there, direction] of this.#directions) {
      if (there.startsWith(`${network} `)) direction.isBehind = true;
    }
  }

  /**
   * Returns what a segment is in its connection on a network.
   * @param isComplete false if frames that are not shown may have passed just before it
   */
  follow(network: string, { segment, from, to, fromPort, toPort }: Decoded, isComplete: boolean): TcpNotes | undefined {
    if (!segment) return undefined;
    const there = `${network} ${from} ${fromPort} ${to} ${toPort}`;
    const back = `${network} ${to} ${toPort} ${from} ${fromPort}`;
    const isSyn = segment.flags.includes('SYN');
    const size = segment.length + (isSyn || segment.flags.includes('FIN') ? 1 : 0);
    let known = this.#directions.get(there);
    // a port that is used again
    const isNew = !known || (isSyn && segment.sequence !== known.first);
    if (isNew) {
      known = { first: segment.sequence, next: segment.sequence, isBehind: false };
      remember(this.#directions, there, known);
    }
    const { first, next } = known!;
    const ahead = signed(segment.sequence - next);
    const isAgain = !isNew && size > 0 && ahead < 0 && signed(segment.sequence + size - next) <= 0;
    const isGap = !isNew && size > 0 && ahead > 0 && isComplete && !known!.isBehind;
    if (signed(segment.sequence + size - next) > 0) {
      known!.next = (segment.sequence + size) % WRAP;
      known!.isBehind = false;
    }
    const other = this.#directions.get(back);
    return {
      sequence: unsigned(segment.sequence - first),
      acknowledgment: other ? unsigned(segment.acknowledgment - other.first) : 0,
      note: isAgain ? 'retransmission' : isGap ? 'gap' : '',
    };
  }

  /** Returns what a frame says of connections and leases. */
  eventsOf(frame: { time: number; decoded: Decoded }, nameOf: (address: string) => string): PageEvent[] {
    const { time, decoded } = frame;
    if (decoded.protocol === 'DHCP' && decoded.info.startsWith('ack ')) {
      return this.#once(decoded.info, { time, kind: 'lease', text: `lease: ${decoded.info.slice(4)}` }, time);
    }
    return decoded.segment ? this.#tcpEvents(time, decoded, decoded.segment, nameOf) : [];
  }

  #tcpEvents(time: number, decoded: Decoded, segment: Segment, nameOf: (address: string) => string): PageEvent[] {
    const key = conversationOf(decoded);
    const { flags } = segment;
    const { from, to, fromPort, toPort } = decoded;
    const event = (what: string, a: string, b: string): PageEvent => ({
      time,
      kind: 'connection',
      text: `${a} ${what} ${b}`,
    });
    const server = `${nameOf(from)}:${fromPort}`;
    let connection = this.#connections.get(key);
    if (flags.includes('SYN')) {
      const isAnswer = flags.includes('ACK');
      const first = isAnswer ? unsigned(segment.acknowledgment - 1) : segment.sequence;
      if (connection?.first !== first) {
        connection = { first, isMade: false, ends: new Set() };
        remember(this.#connections, key, connection);
      }
      if (!isAnswer || connection.isMade) return [];
      connection.isMade = true;
      return [event('connected to', nameOf(to), server)];
    }
    const ends = flags.includes('RST') || flags.includes('FIN');
    if (!ends || !connection || connection.ends.has('over')) return [];
    const pair: [string, string] = [`${nameOf(from)}:${fromPort}`, `${nameOf(to)}:${toPort}`];
    if (flags.includes('RST')) {
      connection.ends.add('over');
      return [event('reset the connection with', ...pair)];
    }
    connection.ends.add(`${from} ${fromPort}`);
    if (connection.ends.size < 2) return [];
    connection.ends.add('over');
    return [event('ended the connection with', ...pair)];
  }

  /** Tells the same only once in a while: it passes several networks. */
  readonly #told = new Map<string, number>();

  #once(what: string, event: PageEvent, time: number): PageEvent[] {
    const last = this.#told.get(what) ?? Number.NEGATIVE_INFINITY;
    remember(this.#told, what, time);
    return time - last < 1000 ? [] : [event];
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > MAX_KNOWN) map.delete(map.keys().next().value as string);
}

function signed(difference: number): number {
  return difference | 0;
}

function unsigned(difference: number): number {
  return difference >>> 0;
}
