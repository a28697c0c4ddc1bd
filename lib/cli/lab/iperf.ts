import { setTimeout as delay } from 'node:timers/promises';
import { AF_INET6, SOCK_DGRAM } from '../../constants/socket.js';
import type { Socket } from '../../index.js';
import type { LabHost } from '../../lab/index.js';
import { CommandError } from '../command.js';
import { DatagramMeter, Meter } from './meter.js';

/** What is measured. */
export interface Measurement {
  readonly from: LabHost;
  readonly to: LabHost;
  readonly seconds: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
  /** Called with a line for each second, and one for all. */
  readonly print: (line: string) => void;
}

/** The port of iperf3. */
const PORT = 5201;
const CONNECT_TIMEOUT_MS = 10_000;
const TCP_CHUNK = 128 * 1024;
/** Fits into the smallest MTU of IPv6. */
const DATAGRAM = 1200;
const TICK_MS = 5;
/** How long a receiver waits for what is still on the way. */
const QUIET_MS = 2000;

/** Sends by TCP for some seconds. @returns the bytes that arrived @throws {CommandError} if there is no connection */
export async function measureTcp(measurement: Measurement): Promise<number> {
  const { from, to, signal } = measurement;
  const address = await addressOf(measurement);
  using listener = to.stack.create_server([address.any, PORT]);
  using sender = from.stack.socket(address.family);
  const limit = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
  try {
    await sender.connect([address.host, PORT], { signal: AbortSignal.any([signal, limit]) });
  } catch (error) {
    if (!limit.aborted || signal.aborted) throw error;
    throw new CommandError(`no connection from ${from.name} to ${to.name} in ${CONNECT_TIMEOUT_MS / 1000} s`);
  }
  using receiver = (await listener.accept({ signal }))[0];
  const meter = new Meter();
  const ended = new AbortController();
  const flows = [sendStream(sender, ended.signal), receiveAll(receiver, ended.signal, (data) => meter.add(data))];
  await everySecond(measurement, flows, () => meter.take());
  ended.abort();
  await Promise.allSettled(flows);
  measurement.print(meter.total());
  return meter.bytes;
}

/** Sends by UDP for some seconds, at a rate in bits per second. @returns the bytes that arrived */
export async function measureUdp(measurement: Measurement, rate: number): Promise<number> {
  const { from, to, signal } = measurement;
  const address = await addressOf(measurement);
  using receiver = to.stack.socket(address.family, SOCK_DGRAM);
  receiver.bind([address.any, PORT]);
  using sender = from.stack.socket(address.family, SOCK_DGRAM);
  await sender.connect([address.host, PORT]);
  const meter = new DatagramMeter();
  const [sent, received] = [new AbortController(), new AbortController()];
  const sending = sendDatagrams(sender, rate, sent.signal);
  const flows = [sending, receiveAll(receiver, received.signal, (data) => meter.add(data))];
  await everySecond(measurement, flows, () => meter.take());
  sent.abort();
  meter.sent = await sending;
  while (meter.sent > meter.received && meter.quietFor < QUIET_MS && !signal.aborted) await delay(TICK_MS);
  received.abort();
  await Promise.allSettled(flows);
  measurement.print(meter.total());
  return meter.bytes;
}

interface Target {
  readonly host: string;
  /** Any address of its family. */
  readonly any: string;
  readonly family: number | undefined;
}

async function addressOf({ from, to }: Measurement): Promise<Target> {
  const { address, family } = await from.stack.dns.promises.lookup(to.name);
  return family === 6 ? { host: address, any: '::', family: AF_INET6 } : { host: address, any: '', family: undefined };
}

/** Prints a line a second, until the time is over, a flow fails, or the signal ends it. */
async function everySecond(
  { seconds, signal, print }: Measurement,
  flows: readonly Promise<unknown>[],
  line: () => string,
): Promise<void> {
  const failed = new Promise<never>((_, fail) => {
    for (const flow of flows) flow.catch(fail);
  });
  // it may fail after the last second
  failed.catch(() => {});
  for (let second = 0; second < seconds && !signal.aborted; second++) {
    await Promise.race([failed, delay(1000, undefined, { signal }).catch(() => {})]);
    print(line());
  }
}

async function sendStream(socket: Socket, signal: AbortSignal): Promise<void> {
  const chunk = Buffer.alloc(TCP_CHUNK);
  await untilEnded(signal, () => socket.sendall(chunk, 0, { signal }));
}

/** Sends datagrams with their numbers. @returns how many */
async function sendDatagrams(socket: Socket, rate: number, signal: AbortSignal): Promise<number> {
  const datagram = Buffer.alloc(DATAGRAM);
  const [start, perMs] = [performance.now(), rate / 8 / DATAGRAM / 1000];
  let count = 0;
  await untilEnded(signal, async () => {
    for (const due = (performance.now() - start) * perMs; count < due && !signal.aborted; count++) {
      datagram.writeUInt32BE(count);
      await socket.send(datagram, 0, { signal });
    }
    await delay(TICK_MS, undefined, { signal });
  });
  return count;
}

async function receiveAll(socket: Socket, signal: AbortSignal, note: (data: Buffer) => void): Promise<void> {
  const buffer = Buffer.alloc(TCP_CHUNK);
  await untilEnded(signal, async () => {
    const count = await socket.recv_into(buffer, undefined, 0, { signal });
    if (count > 0) note(buffer.subarray(0, count));
  });
}

async function untilEnded(signal: AbortSignal, act: () => Promise<unknown>): Promise<void> {
  while (!signal.aborted) {
    try {
      await act();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
