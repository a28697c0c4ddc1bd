import { libioth, type StackPointer } from 'ioth/ffi';
import { PollHandle, READABLE } from '#io/poll-handle';
import { check, datagramPair, SOCKADDR_IN } from './bare.js';
import { MESSAGE, READ, restartOnLoss, WINDOW } from './contender.js';

const message = Buffer.alloc(MESSAGE, 'm');
const peer = Buffer.alloc(SOCKADDR_IN);
const peerLength = new Uint32Array(1);
const c = libioth();

/**
 * The datagrams of bare koffi with one promise awaited for each call, and nothing else: the most that a binding with
 * promises can reach. Returns milliseconds.
 */
export async function awaitedDatagrams(stack: StackPointer, address: string, count: number): Promise<number> {
  const [server, client] = datagramPair(stack, address);
  const [serverGate, clientGate] = [new Gate(server), new Gate(client)];
  let left = count;

  const serve = async () => {
    const buffer = Buffer.alloc(READ);
    while (left > 0) {
      peerLength[0] = SOCKADDR_IN;
      const length = await c.recvfrom(server, buffer, READ, 0, peer, peerLength);
      if (length < 0) await serverGate.readable();
      else await c.sendto(server, buffer, length, 0, peer, SOCKADDR_IN);
    }
  };
  const fill = () => {
    for (let i = 0; i < WINDOW; i++) check(c.send(client, message, MESSAGE, 0));
  };
  const stopWatch = restartOnLoss(() => left, fill);
  const start = performance.now();
  fill();
  const serving = serve();
  const buffer = Buffer.alloc(READ);
  while (left > 0) {
    const length = await check(c.recv(client, buffer, READ, 0));
    if (length < 0) {
      await clientGate.readable();
      continue;
    }
    left--;
    await check(c.send(client, message, MESSAGE, 0));
  }
  const elapsed = performance.now() - start;
  stopWatch();
  serverGate.close();
  await serving;
  clientGate.close();
  check(c.close(server));
  check(c.close(client));
  return elapsed;
}

/** Waits until a descriptor is readable. */
class Gate {
  #open: (() => void) | undefined;
  readonly #poll: PollHandle;

  constructor(fd: number) {
    this.#poll = new PollHandle(fd, READABLE, () => {
      const open = this.#open;
      this.#open = undefined;
      if (open) open();
      else this.#poll.watch(0);
    });
  }

  readable(): Promise<void> {
    return new Promise((resolve) => {
      this.#open = resolve;
      this.#poll.watch(READABLE);
    });
  }

  close(): void {
    this.#poll.close();
    this.#open?.();
  }
}
