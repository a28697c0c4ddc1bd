/** The server process of processes.ts: serves each contender with its own kind, on 127.0.0.1. */
import { Stack } from 'ioth';
import { libioth, type StackPointer } from 'ioth/ffi';
import { iothHalves, nodeHalves } from './contenders/awaiting.js';
import { blockingCalls, blockingServer, syncOn } from './contenders/blocking.js';
import { BUSY_POLL_USECS, HOST, type ServerRequest } from './processes.js';

const stack = new Stack('kernel');
const busy = new Stack('kernel');
busy.busyPoll(BUSY_POLL_USECS);
const bare = libioth().newstack('kernel', null) as StackPointer;

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
        ? blockingServer(syncOn(stack), work, HOST)
        : blockingServer(blockingCalls(bare), work, HOST);
    // the port is sent before this process blocks
    process.send?.(port, () => {
      run(count);
      process.send?.(0);
    });
    return;
  }
  const halves = contender === 'node' ? nodeHalves : iothHalves(contender === 'ioth busyPoll' ? busy : stack);
  const [port, run] = await halves.server(work, HOST);
  const done = run(count);
  process.send?.(port);
  await done;
  process.send?.(0);
}
