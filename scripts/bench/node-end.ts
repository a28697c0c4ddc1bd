/**
 * One end of the rows of node-modules.ts, which follows messages: `node-end.js ADDRESS [PLUGIN [VNL]]`. It runs on a stack or,
 * without a plugin, with Node alone in its network namespace.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import autocannon from 'autocannon';
import { override, Stack } from 'ioth';
import { netOn } from './contenders/node.js';
import type { EndAnswer, EndRequest } from './node-modules.js';
import { vdestack } from './peering.js';

const CONNECTIONS = 10;
const BODY = 'hello world';

const [address = '', plugin, vnl = ''] = process.argv.slice(2);
const stack = plugin === 'vdestack' ? vdestack(vnl, address) : plugin ? new Stack(plugin) : undefined;
const storage = new AsyncLocalStorage<string>();
const contender = netOn(stack?.net ?? net);

process.on('message', (request: EndRequest) => {
  const done = request.port === undefined ? serve(request) : ask(request, request.port);
  done.then(send, (error) => {
    console.error(error);
    process.exit(1);
  });
});
process.on('disconnect', () => {
  stack?.closeSync();
  process.exit();
});
// Ctrl-C reaches all processes: the first one ends the benchmark, and this process with it
process.on('SIGINT', () => {});
collectOnce().then(() => send({ pid: stack?.daemonPid }));

/**
 * The process.nextTick of Node 20 stays slower after the first full garbage collections, which every program has sooner or
 * later: this makes both contenders have them.
 */
async function collectOnce(): Promise<void> {
  for (let i = 0; i < 2000; i++) await new Promise<void>((done) => process.nextTick(done));
  for (let i = 0; i < 4; i++) {
    await delay(20);
    gc?.();
  }
}

function send(answer: EndAnswer): void {
  process.send?.(answer);
}

async function serve({ work, amount }: EndRequest): Promise<EndAnswer> {
  if (work.startsWith('requests')) {
    await serveRequests();
    return {};
  }
  const [listener, { port }] = await contender.listen(address);
  const accepted = contender.accept(listener);
  send({ port });
  const connection = await accepted;
  if (work === 'bulk') {
    await contender.receiveBulk(connection, amount);
    await contender.sendBulk(connection, 1);
  } else await contender.echo(connection, amount);
  if (!connection.readableEnded) await once(connection.resume(), 'close');
  contender.close(listener);
  return {};
}

async function ask({ work, amount, peer }: EndRequest, port: number): Promise<EndAnswer> {
  const url = `http://${peer}:${port}/`;
  if (work === 'requests') return { elapsed: await inOverride(() => askForRequests(url, amount)) };
  if (work === 'requests in context') return { elapsed: await inContext(() => askForRequests(url, amount)) };
  const connection = await contender.connect({ address: peer, port });
  const start = performance.now();
  if (work === 'bulk') {
    await contender.sendBulk(connection, amount);
    // the peer sends one byte when it has received everything
    await contender.receiveBulk(connection, 1);
  } else await contender.ping(connection, amount);
  const elapsed = performance.now() - start;
  contender.close(connection);
  return { elapsed };
}

/** Serves until the first client has come and gone. */
async function serveRequests(): Promise<void> {
  const server = (stack?.http ?? http).createServer((_request, response) => response.end(BODY)).listen(0, address);
  await once(server, 'listening');
  send({ port: (server.address() as net.AddressInfo).port });
  let connections = 0;
  await new Promise<void>((resolve) => {
    server.on('connection', (connection) => {
      connections++;
      connection.once('close', () => {
        if (--connections === 0) resolve();
      });
    });
  });
  server.close();
}

/** Runs on the stack as the process's default, if there is a stack. */
async function inOverride<T>(ask: () => Promise<T>): Promise<T> {
  const takeBack = stack ? override(stack) : undefined;
  try {
    return await ask();
  } finally {
    takeBack?.();
  }
}

/** Runs in `run` of the stack, or without a stack in AsyncLocalStorage alone. */
function inContext<T>(ask: () => Promise<T>): Promise<T> {
  return stack ? stack.run(ask) : storage.run('some context', ask);
}

/** Returns the time until the last response; autocannon itself reports a moment later. */
async function askForRequests(url: string, amount: number): Promise<number> {
  const options = { url, amount, connections: CONNECTIONS, sampleInt: 100, expectBody: BODY };
  const start = performance.now();
  let end = start;
  const cannon = autocannon(options);
  (cannon as unknown as NodeJS.EventEmitter).on('response', () => {
    end = performance.now();
  });
  const { '2xx': good, errors, mismatches } = await cannon;
  if (good !== amount || errors + mismatches > 0) throw new Error(`${good} of ${amount} responses, ${errors} errors`);
  return end - start;
}
