import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { selfSigned } from '../../support/certificate.js';
import { type Exit, run } from '../../support/child.js';
import { ROOT } from '../../support/compiled.js';
import { type Consumer, consumer } from '../../support/consumer.js';
import { plainEnvironment } from '../../support/package.js';
import { hasNodes, nodeOf } from '../../support/peers.js';
import { hostPort } from '../../support/traps.js';
import { PATIENCE_MS } from '../../support/until.js';

/* The package on each version of Node.js with each version of undici: what the host's network gives, a stack gives. */

const NODES = [20, 22, 24, 26] as const;
const UNDICI = { 6: 'undici6', 7: 'undici', 8: 'undici8' } as const;
const PORT = hostPort(7500);

const PROGRAM = `
const { readFileSync } = require('node:fs');
const { once } = require('node:events');
const http = require('node:http');
const http2 = require('node:http2');
const { Stack } = require('ioth');

const ORIGINS = ['http://127.0.0.1:${PORT}/', 'https://127.0.0.1:${PORT + 1}/'];
const [order] = process.argv.slice(2);
const tls = { key: readFileSync('key.pem'), cert: readFileSync('cert.pem'), allowHTTP1: true };

async function serve(place) {
  const answer = ({ httpVersion }, response) => response.end(place + ' ' + httpVersion);
  const servers = [http.createServer(answer), http2.createSecureServer(tls, answer)];
  servers.forEach((server, i) => {
    server.keepAliveTimeout = ${PATIENCE_MS};
    server.listen(${PORT} + i, '127.0.0.1');
  });
  await Promise.all(servers.map((server) => once(server, 'listening')));
}

async function main() {
  const early = order === 'undici first' ? require('undici') : undefined;
  const stack = new Stack('vdestack');
  await serve('host');
  await stack.run(serve, 'stack');
  if (order === 'fetch first') await (await fetch(ORIGINS[0])).text();
  if (order === 'run first') await stack.run(fetch, ORIGINS[0]);
  const undici = early ?? require('undici');
  const dispatcher = stack.dispatcher({ connect: { rejectUnauthorized: false } });
  const asks = {
    fetch: async (url) => (await fetch(url)).text(),
    'undici.fetch': async (url) => (await undici.fetch(url)).text(),
    'undici.request': async (url) => (await undici.request(url)).body.text(),
    'undici.request, dispatcher': async (url) => (await undici.request(url, { dispatcher })).body.text(),
    'fetch, dispatcher': async (url) => (await fetch(url, { dispatcher })).text(),
  };
  for (const [name, ask] of Object.entries(asks)) {
    for (const url of ORIGINS) {
      const said = [];
      for (const run of [(fn) => fn(), (fn) => stack.run(fn)]) said.push(await run(() => ask(url).catch(String)));
      console.log(name + ': ' + said.join(', '));
    }
  }
  process.exit();
}
main();
`;

const SERVER = `
const server = require('node:http').createServer((request, response) => response.end('stack'));
server.keepAliveTimeout = ${PATIENCE_MS};
server.listen(${PORT}, '127.0.0.1', async () => {
  const undici = require('undici');
  const url = 'http://127.0.0.1:${PORT}/';
  console.log(await (await fetch(url)).text(), await (await undici.request(url)).body.text());
  process.exit();
});
`;

const ORDERS = ['undici first', 'fetch first', 'run first'];

/** The place and the version of HTTP: of the host, of the stack. */
const SAID = /: (\w+) ([\d.]+), (\w+) ([\d.]+)$/;

let user: Consumer;

beforeAll(async () => {
  user = await consumer();
  const { key, cert } = selfSigned();
  user.write({ 'key.pem': key, 'cert.pem': cert, 'program.cjs': PROGRAM, 'server.cjs': SERVER });
});
afterAll(() => user.remove());

/** Runs a program where `version` is the undici that is installed. */
function runWith(
  node: number,
  version: keyof typeof UNDICI,
  args: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<Exit> {
  const link = join(user.dir, 'node_modules/undici');
  rmSync(link, { force: true });
  mkdirSync(join(user.dir, 'node_modules'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules', UNDICI[version]), link);
  return run(nodeOf(node), ['--no-warnings', ...args], {
    cwd: user.dir,
    env: { ...plainEnvironment, NODE_TLS_REJECT_UNAUTHORIZED: '0', ...env },
  });
}

/** undici says ">=22.19": it cannot be loaded there. */
const isRefused = (node: number, version: number) => version === 8 && node === 20;
const PAIRS = NODES.flatMap((node) => ([6, 7, 8] as const).map((version) => [node, version] as const));
const WORKING = PAIRS.filter(([node, version]) => !isRefused(node, version));
const REFUSED = PAIRS.filter(([node, version]) => isRefused(node, version));

if (!hasNodes) console.log('versions: Node.js of each version is published for x64 only: not tried');

(hasNodes ? describe : describe.skip)('Node and undici', () => {
  describe.each(WORKING)('Node %i, undici %i', (node, version) => {
    // each of the two with each of these orders
    const order = ORDERS[(NODES.indexOf(node) + version) % ORDERS.length] as string;
    it(order, async () => {
      const { code, stdout, stderr } = await runWith(node, version, ['program.cjs', order]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const lines = stdout.trim().split('\n');
      expect(lines).toHaveLength(10);
      for (const line of lines) {
        // fetch of Node 26 gives an Agent of another protocol than that of undici 6 what it does not know
        if (node === 26 && version === 6 && line.startsWith('fetch, dispatcher')) continue;
        const isOfStack = line.includes('dispatcher');
        expect(line).toMatch(SAID);
        const [, first, one, second, two] = SAID.exec(line) ?? [];
        expect([first, second]).toEqual([isOfStack ? 'stack' : 'host', 'stack']);
        expect(two).toBe(one);
      }
    });

    it('under ioth/register', async () => {
      const args = ['--import', 'ioth/register', 'server.cjs'];
      const exit = await runWith(node, version, args, { IOTH: 'stack=vdestack' });
      expect(exit).toEqual({ code: 0, stdout: 'stack stack\n', stderr: '' });
    });
  });

  it.each(REFUSED)('Node %i refuses undici %i by itself', async (node, version) => {
    writeFileSync(join(user.dir, 'alone.cjs'), "require('undici')");
    expect((await runWith(node, version, ['alone.cjs'])).code).toBe(1);
  });
});
