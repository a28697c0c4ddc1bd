/** One end of a cable, which follows messages: `lab-end.ts VNL`. It waits in C, so its own cost is not in the figures. */
import { type Libvdeplug, libc, libvdeplug, type VdeConnPointer } from 'ioth/ffi';
import {
  FIRST_PORT,
  FLOWS,
  FRAME_SIZE,
  type LabAnswer,
  type LabRequest,
  PING_SIZE,
  ROUTER,
  SERVER,
} from './lab-peering.js';

const MAX_FRAME = 9234;
const MIN_FRAME = 14;
const POLLIN = 1;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
/** The pause after which the other end counts as finished, in milliseconds. */
const SILENCE_MS = 1000;
/** Offsets in a frame: the addresses of IPv4, the ports of UDP. */
const SOURCE = 26;
const DESTINATION = 30;
const SOURCE_PORT = 34;

const [vnl = ''] = process.argv.slice(2);
const plug: Libvdeplug = libvdeplug();
const buffer = Buffer.alloc(MAX_FRAME);
const pollfd = Buffer.alloc(8);

plug.open_async(vnl, 'bench', 1, null, (error, conn) => {
  if (error || conn === null) throw new Error(`cannot open ${vnl}`);
  libc().fcntl(plug.datafd(conn), F_SETFL, O_NONBLOCK);
  pollfd.writeInt32LE(plug.datafd(conn), 0);
  pollfd.writeInt16LE(POLLIN, 4);
  process.on('message', (request: LabRequest) => process.send?.(work(conn, request)));
  process.send?.({ value: 0 } satisfies LabAnswer);
});
process.on('disconnect', () => process.exit());

function work(conn: VdeConnPointer, { work, amount }: LabRequest): LabAnswer {
  switch (work) {
    case 'send':
      return { value: send(conn, amount) };
    case 'count':
      return { value: count(conn, amount) };
    case 'echo':
      for (let i = 0; i < amount; i++) {
        const length = receive(conn);
        turnRound(buffer);
        plug.send(conn, buffer, length, 0);
      }
      return { value: 0 };
    case 'ping':
      return { value: ping(conn, amount) };
  }
}

/** @returns the milliseconds */
function send(conn: VdeConnPointer, amount: number): number {
  const frame = datagram(FRAME_SIZE);
  const start = performance.now();
  // if the queue is full, the other end needs the CPU
  for (let i = 0; i < amount; ) {
    frame.writeUInt16BE(FIRST_PORT + (i % FLOWS), SOURCE_PORT);
    if (plug.send(conn, frame, FRAME_SIZE, 0) >= 0) i++;
    else libc().sched_yield();
  }
  return performance.now() - start;
}

/** @returns the number of frames received a second */
function count(conn: VdeConnPointer, amount: number): number {
  receive(conn);
  const start = performance.now();
  let received = 1;
  while (received < amount && receive(conn) > 0) received++;
  return (received - 1) / ((performance.now() - start) / 1000);
}

/** @returns the milliseconds */
function ping(conn: VdeConnPointer, amount: number): number {
  const frame = datagram(PING_SIZE);
  const start = performance.now();
  for (let i = 0; i < amount; i++) {
    plug.send(conn, frame, PING_SIZE, 0);
    receive(conn);
  }
  return performance.now() - start;
}

/** Waits for a frame; returns 0 if none comes. */
function receive(conn: VdeConnPointer): number {
  for (;;) {
    const length = plug.recv(conn, buffer, MAX_FRAME, 0);
    if (length >= MIN_FRAME) return length;
    if (libc().poll(pollfd, 1, SILENCE_MS) === 0) return 0;
  }
}

/** Returns a UDP datagram without a checksum, from a host behind the router to the server. */
function datagram(size: number): Buffer {
  const frame = Buffer.alloc(size);
  frame.write(`${SERVER.mac}${ROUTER.mac}0800450000000000400040110000`, 'hex');
  frame.writeUInt16BE(size - 14, 16);
  Buffer.from(ROUTER.inside.split('.').map(Number)).copy(frame, SOURCE);
  Buffer.from(SERVER.address.split('.').map(Number)).copy(frame, DESTINATION);
  frame.writeUInt16BE(FIRST_PORT, SOURCE_PORT);
  frame.writeUInt16BE(9, SOURCE_PORT + 2);
  return frame;
}

/** Swaps the MACs, addresses and ports of a frame. */
function turnRound(frame: Buffer): void {
  for (const [first, second, size] of [
    [0, 6, 6],
    [SOURCE, DESTINATION, 4],
    [SOURCE_PORT, SOURCE_PORT + 2, 2],
  ] as const) {
    const old = Buffer.from(frame.subarray(first, first + size));
    frame.copy(frame, first, second, second + size);
    old.copy(frame, second);
  }
}
