import os from 'node:os';
import { Stack } from 'ioth';
import { runText } from '../../support/child.js';
import { useDirectory } from '../../support/directory.js';
import { expectNothingLeft, holdings } from '../../support/leaks.js';
import { useNetwork } from '../../support/network.js';

/* What Node itself lists in the namespace of a stack is what a program in `run` must see. */

const lan = useNetwork(1);
const dir = useDirectory();

/** What os.networkInterfaces() returns in a Node that runs in the namespace. */
function listedIn(stack: Stack): ReturnType<typeof os.networkInterfaces> {
  const program = 'console.log(JSON.stringify(require("node:os").networkInterfaces()))';
  const { stdout } = stack.spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' });
  return JSON.parse(stdout);
}

it('the interfaces are those of the stack, each member as in Node', () => {
  const stack = lan.stack('10.0.0.8/24', 'fd00::8/64');
  const listed = stack.run(() => os.networkInterfaces());
  expect(Object.keys(listed).sort()).toEqual(['lo', 'vde0']);
  expect(listed).toEqual(listedIn(stack));
  const vde0 = listed.vde0 ?? [];
  expect(vde0.map(({ cidr }) => cidr)).toEqual(['10.0.0.8/24', 'fd00::8/64', expect.stringMatching(/^fe80::.*\/64$/)]);
  expect(vde0.map((entry) => (entry.family === 'IPv6' ? entry.scopeid : 'none'))).toEqual(['none', 0, 2]);
  expect(listed.lo?.map(({ address, internal }) => [address, internal])).toEqual([
    ['127.0.0.1', true],
    ['::1', true],
  ]);
});

it('an address may have a name of its own, another end, and its link may be down or without a carrier', () => {
  const stack = lan.stack('10.0.0.9/24');
  const ip = (...args: string[]) => expect(stack.spawnSync('ip', args)).toMatchObject({ status: 0 });
  ip('addr', 'add', '10.0.0.10/25', 'dev', 'vde0', 'label', 'vde0:one');
  ip('addr', 'add', '10.0.1.1', 'peer', '10.0.1.2/32', 'dev', 'vde0');
  ip('link', 'add', 'off', 'type', 'bridge');
  ip('addr', 'add', '10.9.0.1/24', 'dev', 'off');
  // its peer is down
  ip('link', 'add', 'alone', 'type', 'veth', 'peer', 'name', 'other');
  ip('addr', 'add', '10.8.0.1/24', 'dev', 'alone');
  ip('link', 'set', 'alone', 'up');
  const listed = stack.run(() => os.networkInterfaces());
  expect(Object.keys(listed).sort()).toEqual(['lo', 'vde0', 'vde0:one']);
  expect(listed).toEqual(listedIn(stack));
});

it('lo is there before the first socket, and a new stack has nothing else', async () => {
  await using stack = new Stack('vdestack', 'null://');
  expect(Object.keys(stack.run(() => os.networkInterfaces()))).toEqual(['lo']);
});

it('lo comes up with the next try where there was no descriptor for the first', async () => {
  const program = `
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
// before the daemon, which makes the sockets under its own limit
execFileSync('prlimit', ['--pid=' + process.pid, '--nofile=64:64']);
const stack = new ioth.Stack('vdestack', 'null://');
const list = () => stack.run(() => Object.keys(networkInterfaces()).join());
const opened = [];
const fill = () => {
  for (;;) opened.push(openSync('/dev/null'));
};
for (const attempt of [fill, list]) {
  try {
    attempt();
  } catch ({ code }) {
    console.log(code);
  }
}
opened.forEach(closeSync);
console.log(list());
await stack.close();`;
  expect(await runText(dir.path, program)).toEqual({ code: 0, stdout: 'EMFILE\nEMFILE\nlo\n', stderr: '' });
});

it('of the kernel stack they are those of the machine, as without a stack', async () => {
  const outside = os.networkInterfaces();
  await using stack = new Stack('kernel');
  expect(stack.run(() => os.networkInterfaces())).toEqual(outside);
  lan.stacks[0]?.run(() => {});
  expect(os.networkInterfaces()).toEqual(outside);
});

it('a stack that is closed or dead has none, and throws nothing', async () => {
  const before = holdings();
  const stack = new Stack('vdestack', 'null://');
  const list = stack.run(() => () => os.networkInterfaces());
  await stack.close();
  expect(stack.run(list)).toEqual({});
  const other = new Stack('vdestack', 'null://');
  const closed = new Promise<void>((resolve) => other.once('close', resolve));
  other.on('error', () => {});
  process.kill(other.daemonPid as number, 'SIGKILL');
  await closed;
  expect(other.run(list)).toEqual({});
  await expectNothingLeft(before);
});

it('the name of the host is that of the stack, where it has one', async () => {
  const machine = os.hostname();
  await using alice = new Stack({ stack: 'vdestack', vnl: 'null://', hostname: 'alice.example.org' });
  const names = () => [os.hostname(), `${os.hostname}`];
  expect(alice.run(names)).toEqual(Array(2).fill('alice.example.org'));
  expect(alice.gethostname()).toBe('alice.example.org');
  expect(await alice.getfqdn()).toBe('alice.example.org');
  expect(lan.stacks[0]!.run(names)).toEqual(Array(2).fill(machine));
  expect(names()).toEqual(Array(2).fill(machine));
  const wrong = (name: unknown) => () => new Stack('vdestack', null, null, { hostname: name as string });
  for (const name of ['', 'two words', 'a'.repeat(64), `${'a.'.repeat(32)}a`, 'a.', '.', 'a\nb']) {
    expect(wrong(name)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  }
  expect(wrong(5)).toThrow('options.hostname must be a string, not 5');
});

it('of every way to import it, before and after the first use', async () => {
  const program = `
import osDefault, { hostname, networkInterfaces } from 'node:os';
import * as namespace from 'node:os';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const before = require('os');
const machine = JSON.stringify(networkInterfaces());
const stack = new ioth.Stack({ stack: 'vdestack', vnl: 'null://', hostname: 'alice' });
stack.run(() => {
  for (const os of [osDefault, { hostname, networkInterfaces }, namespace, before, require('node:os')]) {
    console.log(os.hostname(), Object.keys(os.networkInterfaces()).join());
  }
});
setTimeout(() => console.log(machine === JSON.stringify(networkInterfaces())));
await stack.run(() => new Promise((done) => setTimeout(() => done(console.log(osDefault.hostname())))));
const takeBack = ioth.override(stack);
console.log(hostname(), Object.keys(networkInterfaces()).join());
takeBack();
console.log(machine === JSON.stringify(networkInterfaces()));
await stack.close();`;
  const { code, stdout, stderr } = await runText(dir.path, program);
  const lines = [...Array(5).fill('alice lo'), 'true', 'alice', 'alice lo', 'true'];
  expect({ code, stderr, lines: stdout.trim().split('\n') }).toEqual({ code: 0, stderr: '', lines });
});
