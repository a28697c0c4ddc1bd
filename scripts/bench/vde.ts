import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Stack } from 'ioth';
import { bareOn } from './contenders/bare.js';
import type { Contender } from './contenders/contender.js';
import { iothOn } from './contenders/ioth.js';
import { withinDeadline } from './measure.js';
import { type Answer, answerOf, pointerOf, type Request, vdestack, type Wire } from './peering.js';
import { measureRow, type Row, type Work } from './rows.js';
import { withSwitch } from './switch.js';

const OURS = '10.0.0.1';
const PEERS = '10.0.0.2';
const BULK = 96 * 1024 * 1024;
const ROUND_TRIPS = 6_000;
const BAR = 0.95;

/** The bars of what a stack without a tap reaches, of the speed of one with a tap. */
const VETH_BULK_BAR = 0.8;
const VETH_TIME_BAR = 1.5;

/** The rows of two vdestacks on a switch: this process is one end, a child process (peer.ts) is the other. */
export async function vdeRows(wanted: (group: string) => boolean, rounds: number): Promise<Row[]> {
  if (!wanted('vde')) return [];
  return withPair(undefined, async ({ stack, peer }) => {
    const contenders = { ioth: iothOn(stack), 'bare koffi': bareOn(pointerOf(stack)) };
    const bulk: Work = {
      name: 'bulk TCP',
      unit: 'MB/s',
      amount: BULK,
      turns: {
        ioth: bulkTo(peer, 'ioth', contenders.ioth),
        'bare koffi': bulkTo(peer, 'bare koffi', contenders['bare koffi']),
      },
      bar: BAR,
    };
    const roundTrips: Work = {
      name: 'TCP round trip, 64 B',
      unit: 'µs',
      amount: ROUND_TRIPS,
      turns: {
        ioth: roundTripsTo(peer, 'ioth', contenders.ioth),
        'bare koffi': roundTripsTo(peer, 'bare koffi', contenders['bare koffi']),
      },
      // a part of the speed of bare koffi, so the inverse of its time
      bar: 1 / BAR,
    };
    return [await measureRow(bulk, rounds), await measureRow(roundTrips, rounds)];
  });
}

/** The rows of stacks without a tap: the same two ends, their frames by a veth pair and a thread each, or by a tap and its daemon. */
export async function wireRows(wanted: (group: string) => boolean, rounds: number): Promise<Row[]> {
  if (!wanted('wire')) return [];
  return withPair('veth', (veth) =>
    withPair('tap', async (tap) => {
      const turnsOf = (turn: typeof bulkTo) => ({
        veth: turn(veth.peer, 'ioth', iothOn(veth.stack)),
        tap: turn(tap.peer, 'ioth', iothOn(tap.stack)),
      });
      const bulk: Work = { name: 'bulk TCP', unit: 'MB/s', amount: BULK, turns: turnsOf(bulkTo), bar: VETH_BULK_BAR };
      const roundTrips: Work = {
        name: 'TCP round trip, 64 B',
        unit: 'µs',
        amount: ROUND_TRIPS,
        turns: turnsOf(roundTripsTo),
        bar: VETH_TIME_BAR,
      };
      return [await measureRow(bulk, rounds), await measureRow(roundTrips, rounds)];
    }),
  );
}

/** A vdestack of this process, and a child process that has another one on the same switch. */
interface Pair {
  readonly stack: Stack;
  readonly peer: ChildProcess;
}

function withPair<T>(wire: Wire, measure: (pair: Pair) => Promise<T>): Promise<T> {
  return withSwitch(async (vnl, vnlOfPeer) => {
    let stack: Stack | undefined;
    // an interrupt ends the process here: the daemon ends first, since it may write into the directory
    const onExit = () => {
      if (stack?.daemonPid && !stack.closed) process.kill(stack.daemonPid, 'SIGKILL');
    };
    process.prependOnceListener('exit', onExit);
    let peer: ChildProcess | undefined;
    try {
      stack = vdestack(vnl, OURS, wire);
      peer = fork(fileURLToPath(new URL('./peer.js', import.meta.url)), [vnlOfPeer, PEERS, ...(wire ? [wire] : [])]);
      await withinDeadline(answerOf<Answer>(peer));
      return await measure({ stack, peer });
    } finally {
      if (peer?.connected) {
        peer.disconnect();
        await withinDeadline(once(peer, 'exit')).catch(() => peer?.kill('SIGKILL'));
      }
      await stack?.close();
      process.off('exit', onExit);
    }
  });
}

function bulkTo<L, C>(peer: ChildProcess, name: Request['contender'], contender: Contender<L, C>) {
  return async () => {
    const connection = await connectTo(peer, { contender: name, work: 'bulk', amount: BULK }, contender);
    const start = performance.now();
    await contender.sendBulk(connection, BULK);
    // the peer sends one byte when it has received everything
    await contender.receiveBulk(connection, 1);
    const elapsed = performance.now() - start;
    contender.close(connection);
    return elapsed;
  };
}

function roundTripsTo<L, C>(peer: ChildProcess, name: Request['contender'], contender: Contender<L, C>) {
  return async () => {
    const request: Request = { contender: name, work: 'round trips', amount: ROUND_TRIPS };
    const connection = await connectTo(peer, request, contender);
    const start = performance.now();
    await contender.ping(connection, ROUND_TRIPS);
    const elapsed = performance.now() - start;
    contender.close(connection);
    return elapsed;
  };
}

async function connectTo<L, C>(peer: ChildProcess, request: Request, contender: Contender<L, C>): Promise<C> {
  peer.send(request);
  const { port } = await answerOf<Answer>(peer);
  return contender.connect({ address: PEERS, port });
}
