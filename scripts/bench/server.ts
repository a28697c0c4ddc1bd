/**
 * The server process of processes.ts: serves each contender with its own kind. `server.js ADDRESS [VNL]`: on the kernel stack, or
 * on a vdestack.
 */
import { Stack } from 'ioth';
import { iothHalves, nodeHalves } from './contenders/awaiting.js';
import { blockingCalls, blockingServer, syncOn } from './contenders/blocking.js';
import { pointerOf, vdestack } from './peering.js';
import { BUSY_POLL_USECS, type ServerRequest } from './processes.js';

const [address = '', vnl] = process.argv.slice(2);
const stack = vnl === undefined ? new Stack('kernel') : vdestack(vnl, address);
const busy = vnl === undefined ? new Stack('kernel') : undefined;
busy?.busyPoll(BUSY_POLL_USECS);

process.on('message', (request: ServerRequest) => {
  serve(request).catch((error) => {
    console.error(error);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit());
process.on('SIGINT', () => {});
process.send?.(0);

async function serve({ contender, work, count }: ServerRequest): Promise<void> {
  if (contender === 'ioth sync' || contender === 'blocking koffi') {
    const [port, run] =
      contender === 'ioth sync'
        ? blockingServer(syncOn(stack), work, address)
        : blockingServer(blockingCalls(pointerOf(stack)), work, address);
    // the port is sent before this process blocks
    process.send?.(port, () => {
      run(count);
      process.send?.(0);
    });
    return;
  }
  const halves =
    contender === 'node' ? nodeHalves : iothHalves(contender === 'ioth busyPoll' ? (busy ?? stack) : stack);
  const [port, run] = await halves.server(work, address);
  const done = run(count);
  process.send?.(port);
  await done;
  process.send?.(0);
}
