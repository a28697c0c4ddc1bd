import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { topologyConfig } from '../../../lib/cli/lab/topologies.js';
import { Topology } from '../../../lib/lab/topology/topology.js';
import { run } from '../../support/child.js';
import { ROOT } from '../../support/compiled.js';
import { blocksOf } from '../../support/guide.js';

/* lab.schema.json, for editors. */

const schema = JSON.parse(readFileSync(join(ROOT, 'lib/cli/lab/lab.schema.json'), 'utf8'));
const isValid = new Ajv({ strict: true }).compile(schema);

it('is what the types say: else run npm run schema', async () => {
  const { code, stdout, stderr } = await run(process.execPath, ['--import', 'tsx', 'scripts/lab-schema.ts']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual(schema);
});

const samples = blocksOf('docs/cli.md').filter(({ language }) => language === 'yaml');
const NAT = { networks: ['lan', 'wan'], nat: { type: 'home', forwards: [{ protocol: 'tcp', port: 80, to: 'a' }] } };
const networks = {
  lan: '10.0.0.0/24',
  wan: { prefix: '10.1.0.0/24', loss: { p: 0.1, r: 0.5 }, queue: 'codel', rate: 1e6 },
};

it.each([
  ...samples.map(({ where, code }) => [where, parse(code)]),
  ...['star=3', 'line=3', 'ring=3', 'tree=2,2', 'nat'].map((text) => [text, topologyConfig(text)]),
  [
    'NAT and firewall',
    { networks, hosts: { a: { networks: 'lan', firewall: 'block-inbound' }, gate: NAT }, seed: 3, dns: 'a' },
  ],
])('%s is valid, and so says Lab.create', (_what, config) => {
  expect([isValid(config), isValid.errors]).toEqual([true, null]);
  new Topology(config);
});

it.each([
  ['no hosts', { networks: {} }],
  ['a misspelt option', { networks: {}, hosts: {}, sede: 1 }],
  ['a misspelt fault', { networks: { lan: { prefix: '10.0.0.0/24', dealy: 5 } }, hosts: {} }],
  ['a kind of NAT that there is not', { networks: {}, hosts: { a: { networks: ['lan', 'wan'], nat: 'conic' } } }],
])('%s is not', (_what, config) => {
  expect(isValid(config)).toBe(false);
});
