import { casesOf, MODULES } from '../../../scripts/node-suite/cases.js';
import { compare } from '../../../scripts/node-suite/conformance.js';
import { nodeTests } from '../../../scripts/node-suite/source.js';
import { builtPackage } from '../../support/package.js';

/* A sample of scripts/conformance: Node's own tests on a stack. */

const SAMPLE = [
  ...[
    'allow-half-open',
    'autoselectfamily-ipv4first',
    'connect-options-ipv6',
    'connect-reset',
    'listen-ipv6only',
    'local-address-port',
  ],
  ...['server-max-connections', 'server-try-ports'],
].map((name) => `test-net-${name}`);
SAMPLE.push(
  ...['connect-send-empty-packet', 'implicit-bind', 'ipv6only', 'membership', 'multicast-loopback', 'send-error'].map(
    (name) => `test-dgram-${name}`,
  ),
  ...['agent-keepalive', 'localaddress', 'keep-alive-pipeline-max-requests', 'unix-socket', 'upgrade-client'].map(
    (name) => `test-http-${name}`,
  ),
  ...['test-https-agent-session-reuse', 'test-tls-client-resume', 'test-http2-client-destroy'],
);

const DOWNLOAD_LIMIT_MS = 20_000;

test("a sample of Node's own tests passes on a stack as it does plain", async () => {
  const source = await nodeTests(DOWNLOAD_LIMIT_MS).catch((error) => {
    console.log(`Node's own tests are not run: Debian's source of nodejs cannot be had: ${error.message}`);
  });
  if (!source) return;
  const { register } = await builtPackage();
  const tests = MODULES.flatMap((module) => casesOf(source, module)).filter(({ name }) => SAMPLE.includes(name));
  const all = await compare(tests, { source, register });
  const passPlain = all.filter(({ stack }) => stack);
  expect(passPlain.length).toBeGreaterThanOrEqual(SAMPLE.length * 0.9);
  expect(passPlain.filter(({ conforms }) => !conforms)).toEqual([]);
});
