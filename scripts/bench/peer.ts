/** The other end of the rows between two vdestacks: a child process that follows messages. */
import { bareOn } from './contenders/bare.js';
import type { Contender } from './contenders/contender.js';
import { iothOn } from './contenders/ioth.js';
import { type Answer, pointerOf, type Request, vdestack, type Wire } from './peering.js';

const [vnl = '', address = '', wire] = process.argv.slice(2);
const stack = vdestack(vnl, address, wire as Wire);

process.on('message', (request: Request) => {
  const done = request.contender === 'ioth' ? serve(iothOn(stack), request) : serve(bareOn(pointerOf(stack)), request);
  done.catch((error) => {
    console.error(error);
    process.exitCode = 1;
    process.disconnect();
  });
});
process.on('disconnect', () => {
  try {
    stack.closeSync();
  } catch {
    // a turn that failed left sockets open: the daemon has to end without delstack
    if (stack.daemonPid) process.kill(stack.daemonPid, 'SIGKILL');
  }
  process.exit();
});
// Ctrl-C reaches both processes: the other one ends the benchmark, and this process with it
process.on('SIGINT', () => {});
send({ port: 0 });

async function serve<L, C>(contender: Contender<L, C>, { work, amount }: Request): Promise<void> {
  const [listener, { port }] = await contender.listen(address);
  const accepted = contender.accept(listener);
  send({ port });
  const connection = await accepted;
  if (work === 'bulk') {
    await contender.receiveBulk(connection, amount);
    await contender.sendBulk(connection, 1);
  } else await contender.echo(connection, amount);
  contender.close(connection);
  contender.close(listener);
}

function send(answer: Answer): void {
  process.send?.(answer);
}
