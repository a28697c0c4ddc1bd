import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../support/child.js';
import { ROOT } from '../../support/compiled.js';
import { type Consumer, consumer } from '../../support/consumer.js';
import { plainEnvironment } from '../../support/package.js';
import { hasNodes, nodeOf } from '../../support/peers.js';
import { hostPort } from '../../support/traps.js';

/* What else undici has, on each version of Node.js with each version of undici: outside of run on the host, in it on the stack. */

const NODES = [20, 22, 24, 26] as const;
const UNDICI = { 6: 'undici6', 7: 'undici', 8: 'undici8' } as const;
const PORT = hostPort(7520);

const PROGRAM = `
const { createHash } = require('node:crypto');
const { once } = require('node:events');
const http = require('node:http');
const { Stack } = require('ioth');
const undici = require('undici');

const ORIGIN = 'http://127.0.0.1:${PORT}';
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A web server that is also a proxy, has events, and says where it is to a WebSocket. */
async function serve(place) {
  const server = http.createServer(({ headers }, response) => {
    const isEvents = headers.accept === 'text/event-stream';
    response.setHeader('content-type', isEvents ? 'text/event-stream' : 'text/plain');
    if (isEvents) response.write('data: ' + place + '\\n\\n');
    else response.end(place);
  });
  server.on('connect', (request, socket) => {
    socket.write('HTTP/1.1 200 OK\\r\\n\\r\\n');
    server.emit('connection', socket);
  });
  server.on('upgrade', ({ headers }, socket) => {
    const accept = createHash('sha1').update(headers['sec-websocket-key'] + GUID).digest('base64');
    socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n');
    socket.write('Sec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n');
    socket.write(Buffer.concat([Buffer.from([0x81, place.length]), Buffer.from(place)]));
  });
  await once(server.listen(${PORT}, '127.0.0.1'), 'listening');
}

const GET = { origin: ORIGIN, path: '/', method: 'GET' };
const textOf = async ({ body }) => body.text();
const through = (make) => async () => textOf(await make().request(GET));
const message = (make) => () => new Promise((resolve, reject) => {
  const source = make();
  source.onmessage = ({ data }) => { resolve(data); source.close(); };
  source.onerror = ({ error, message }) => reject(error ?? message);
});
/** As the program's own dispatcher, which is set once, outside of run. */
const globally = (make, ask) => {
  let dispatcher;
  return async () => {
    const before = undici.getGlobalDispatcher();
    undici.setGlobalDispatcher((dispatcher ??= make()));
    try { return await ask(); } finally { undici.setGlobalDispatcher(before); }
  };
};
const fetched = async () => (await undici.fetch(ORIGIN)).text();

const asks = {
  Client: through(() => new undici.Client(ORIGIN)),
  Pool: through(() => new undici.Pool(ORIGIN)),
  BalancedPool: through(() => new undici.BalancedPool(ORIGIN)),
  Agent: through(() => new undici.Agent()),
  RetryAgent: through(() => new undici.RetryAgent(new undici.Agent())),
  ProxyAgent: through(() => new undici.ProxyAgent(ORIGIN)),
  EnvHttpProxyAgent: through(() => new undici.EnvHttpProxyAgent({ httpProxy: ORIGIN, noProxy: '' })),
  interceptors: through(() => new undici.Agent().compose(undici.interceptors.retry(), undici.interceptors.redirect())),
  'global Agent': globally(() => new undici.Agent(), fetched),
  'global interceptors': globally(() => new undici.Agent().compose(undici.interceptors.retry()), fetched),
  WebSocket: message(() => new undici.WebSocket(ORIGIN.replace('http', 'ws'))),
  EventSource: message(() => new undici.EventSource(ORIGIN)),
};

async function main() {
  const stack = new Stack('vdestack');
  await serve('host');
  await stack.run(serve, 'stack');
  for (const [name, ask] of Object.entries(asks)) {
    const said = [];
    for (const run of [(fn) => fn(), (fn) => stack.run(fn)]) said.push(await run(() => ask().catch(String)));
    console.log(name + ': ' + said.join(', '));
  }
  process.exit();
}
main();
`;

const NAMES = Array.from(
  PROGRAM.matchAll(/^ {2}(?:(\w+)|'([\w ]+)'): (?:through|globally|message)\(/gm),
  ([, plain, quoted]) => String(plain ?? quoted),
);

let user: Consumer;

beforeAll(async () => {
  user = await consumer();
  user.write({ 'program.cjs': PROGRAM });
});
afterAll(() => user.remove());

if (!hasNodes) console.log('agents: Node.js of each version is published for x64 only: not tried');

/** undici 8 says ">=22.19". */
const PAIRS = NODES.flatMap((node) => ([6, 7, 8] as const).map((version) => [node, version] as const)).filter(
  ([node, version]) => node > 20 || version < 8,
);

(hasNodes ? it : it.skip).each(PAIRS)('Node %i, undici %i', async (node, version) => {
  const link = join(user.dir, 'node_modules/undici');
  rmSync(link, { force: true });
  symlinkSync(join(ROOT, 'node_modules', UNDICI[version]), link);
  const { code, stdout, stderr } = await run(nodeOf(node), ['--no-warnings', 'program.cjs'], {
    cwd: user.dir,
    env: plainEnvironment,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.trim().split('\n')).toEqual(NAMES.map((name) => `${name}: host, stack`));
  expect(NAMES).toHaveLength(12);
});
