import { Stack } from 'ioth';
import { libioth } from 'ioth/ffi';
import { awaitedDatagrams } from './contenders/awaited.js';
import { bareOn } from './contenders/bare.js';
import type { Contender } from './contenders/contender.js';
import { iothOn } from './contenders/ioth.js';
import { bulkOnread, node } from './contenders/node.js';
import { measureRow, type Row, type Work } from './rows.js';

const HOST = '127.0.0.1';
const BULK = 512 * 1024 * 1024;
const ROUND_TRIPS = 20_000;
const CONNECTIONS = 3_000;
const DATAGRAMS = 40_000;

/** Measures the kernel stack over the loopback, both ends in this process. */
export async function kernelRows(wanted: (group: string) => boolean, rounds: number): Promise<Row[]> {
  const stack = new Stack('kernel');
  const bareStack = libioth().newstack('kernel', null);
  if (bareStack === null) throw new Error('the kernel stack could not be made');
  try {
    const [ioth, bare] = [iothOn(stack), bareOn(bareStack)];
    const works: Record<string, Work> = {
      tcp: {
        name: 'bulk TCP',
        unit: 'MB/s',
        amount: BULK,
        turns: {
          ioth: () => bulk(ioth, BULK),
          'node:net': () => bulk(node, BULK),
          'bare koffi': () => bulk(bare, BULK),
          'node:net onread': () => bulkOnread(HOST, BULK),
        },
        bar: 1.5,
      },
      rtt: {
        name: 'TCP round trip, 64 B',
        unit: 'µs',
        amount: ROUND_TRIPS,
        turns: {
          ioth: () => roundTrips(ioth, ROUND_TRIPS),
          'node:net': () => roundTrips(node, ROUND_TRIPS),
          'bare koffi': () => roundTrips(bare, ROUND_TRIPS),
        },
        bar: 0.9,
      },
      connections: {
        name: 'TCP connections',
        unit: '/s',
        amount: CONNECTIONS,
        turns: {
          ioth: () => ioth.connections(HOST, CONNECTIONS),
          'node:net': () => node.connections(HOST, CONNECTIONS),
          'bare koffi': () => bare.connections(HOST, CONNECTIONS),
        },
        bar: 1.5,
      },
      udp: {
        name: 'UDP echoes, 64 B',
        unit: '/s',
        amount: DATAGRAMS,
        turns: {
          ioth: () => ioth.datagrams(HOST, DATAGRAMS),
          'bare koffi': () => bare.datagrams(HOST, DATAGRAMS),
          'node:dgram': () => node.datagrams(HOST, DATAGRAMS),
          'bare koffi, awaited': () => awaitedDatagrams(bareStack, HOST, DATAGRAMS),
        },
        // the bar is 0.85 of bare koffi: twice node:dgram is more than the kernel allows
        bar: 0.85,
      },
    };
    const rows: Row[] = [];
    for (const [group, work] of Object.entries(works)) {
      if (wanted(group)) rows.push(await measureRow(work, rounds));
    }
    return rows;
  } finally {
    await stack.close();
    libioth().delstack(bareStack);
  }
}

function bulk<L, C>(contender: Contender<L, C>, bytes: number): Promise<number> {
  return withPair(contender, async (client, server) => {
    await Promise.all([contender.receiveBulk(server, bytes), contender.sendBulk(client, bytes)]);
  });
}

function roundTrips<L, C>(contender: Contender<L, C>, count: number): Promise<number> {
  return withPair(contender, async (client, server) => {
    await Promise.all([contender.echo(server, count), contender.ping(client, count)]);
  });
}

async function withPair<L, C>(
  contender: Contender<L, C>,
  work: (client: C, server: C) => Promise<void>,
): Promise<number> {
  const [listener, at] = await contender.listen(HOST);
  const accepted = contender.accept(listener);
  const client = await contender.connect(at);
  const server = await accepted;
  const start = performance.now();
  await work(client, server);
  const elapsed = performance.now() - start;
  for (const handle of [client, server, listener]) contender.close(handle);
  return elapsed;
}
