import { spawn as plainSpawn, spawnSync as plainSpawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { plugins, Stack, set_license } from 'ioth';
import { stateOfProcess } from '../../../lib/process/process-state.js';
import { runText, startScript } from '../../support/child.js';
import { expectNothingLeft, holdings } from '../../support/leaks.js';
import { useNetwork } from '../../support/network.js';
import { slowClock } from '../../support/slow-clock.js';
import { runUnprivileged } from '../../support/unprivileged.js';
import { becomes, PATIENCE_MS } from '../../support/until.js';

const net = useNetwork();
let a: Stack;
let b: Stack;
beforeAll(() => {
  [a, b] = net.stacks as [Stack, Stack];
});

/** What an 'error' event or a result says. */
function facts(error: unknown): unknown {
  const { code, errno, syscall, path, spawnargs, message } = error as Record<string, unknown>;
  return { code, errno, syscall, path, spawnargs, message };
}

function living(pids: readonly number[]): number[] {
  return pids.filter((pid) => stateOfProcess(pid) !== 'gone');
}

async function untilGone(pids: readonly number[]): Promise<number[]> {
  await becomes(() => living(pids).length === 0);
  return living(pids);
}

test('a program is in the stack', async () => {
  const child = a.spawn('ip', ['-json', 'addr']);
  const [links] = await Promise.all([text(child.stdout).then(JSON.parse), once(child, 'close')]);
  expect(links.map(({ ifname }: { ifname: string }) => ifname)).toEqual(['lo', 'vde0']);
  expect(JSON.stringify(links)).toContain('"10.0.0.1"');
  expect(child.spawnfile).toBe('ip');
  expect(child.spawnargs).toEqual(['ip', '-json', 'addr']);
});

test('its input and output are pipes of this process, and its status comes', async () => {
  const child = a.spawn('sh', ['-c', 'cat; echo "$NAME $PWD" >&2; exit 3'], {
    cwd: '/',
    env: { ...process.env, NAME: 'ann' },
  });
  child.stdin.end('hello');
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  expect({ out, err, code }).toEqual({ out: 'hello', err: 'ann /\n', code: 3 });
});

test('programs of two stacks talk: curl, with a server of this process', async () => {
  const server = b.http.createServer((_request, response) => response.end('over the wire'));
  server.listen(80, '10.0.0.2');
  await once(server, 'listening');
  const curl = a.spawn('curl', ['-s', '--max-time', String(PATIENCE_MS / 1000), 'http://10.0.0.2/'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  expect(String(await buffer(curl.stdout as Readable))).toBe('over the wire');
  server.close();
});

test('with a shell', async () => {
  const child = a.spawn('echo $0; echo two', { shell: true });
  const [out] = await Promise.all([text(child.stdout), once(child, 'close')]);
  expect(out).toBe('/bin/sh\ntwo\n');
  expect(a.spawnSync('echo', ['$0'], { shell: '/bin/bash', encoding: 'utf8' }).stdout).toBe('/bin/bash\n');
});

test.each([
  ['a name that is nowhere', 'no-such-program-anywhere', {}],
  ['a path that is nowhere', '/no/such/program', {}],
  ['a file that is no program', '/etc/passwd', {}],
  ['a directory that is nowhere', 'true', { cwd: '/no/such/directory' }],
])('what cannot be run fails as in child_process: %s', async (_what, command, options) => {
  const errors = [a.spawn, plainSpawn].map(async (spawn) => {
    const child = spawn(command, ['x'], options);
    const [error] = await once(child, 'error');
    return [child.pid, facts(error)];
  });
  const [inStack, plain] = await Promise.all(errors);
  expect(inStack).toEqual(plain);
  expect(facts(a.spawnSync(command, ['x'], options).error)).toEqual(
    facts(plainSpawnSync(command, ['x'], options).error),
  );
});

test('spawnSync: output, status, signal and time limit', () => {
  const { status, stdout, stderr } = a.spawnSync('sh', ['-c', 'cat; echo no >&2; exit 4'], {
    input: 'in',
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({ status: 4, stdout: 'in', stderr: 'no\n' });
  expect(a.spawnSync('true').stdout).toEqual(Buffer.alloc(0));
  const late = a.spawnSync('sleep', ['100'], { timeout: 50, killSignal: 'SIGKILL' });
  expect({ signal: late.signal, error: late.error?.message }).toEqual({
    signal: 'SIGKILL',
    error: 'spawnSync sleep ETIMEDOUT',
  });
});

test('an AbortSignal ends it', async () => {
  const control = new AbortController();
  const child = a.spawn('sleep', ['1000'], { signal: control.signal });
  const failed = once(child, 'error');
  const closed = new Promise((resolve) => child.on('close', (...how) => resolve(how)));
  control.abort();
  expect((await failed)[0]).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
  expect(await closed).toEqual([null, 'SIGTERM']);
});

test('arguments that make no sense', () => {
  const spawn = a.spawn as (...args: unknown[]) => unknown;
  const invalid = (code: string, text: string) =>
    expect.objectContaining({ code, message: expect.stringContaining(text) });
  expect(() => spawn()).toThrow(invalid('ERR_INVALID_ARG_TYPE', 'command'));
  expect(() => spawn('')).toThrow(invalid('ERR_INVALID_ARG_VALUE', 'command'));
  expect(() => spawn('a\0b')).toThrow(invalid('ERR_INVALID_ARG_VALUE', 'command'));
  expect(() => spawn('true', 'x')).toThrow(invalid('ERR_INVALID_ARG_TYPE', 'args'));
  expect(() => spawn('true', ['x\0'])).toThrow(invalid('ERR_INVALID_ARG_VALUE', 'args[0]'));
  expect(() => spawn('true', [], null)).toThrow(invalid('ERR_INVALID_ARG_TYPE', 'options'));
  expect(() => spawn('true', [], { cwd: 7 })).toThrow(invalid('ERR_INVALID_ARG_TYPE', 'options.cwd'));
  expect(() => spawn('true', [], { shell: 7 })).toThrow(invalid('ERR_INVALID_ARG_TYPE', 'options.shell'));
  expect(() => spawn('true', [], { argv0: 'x' })).toThrow(invalid('ERR_INVALID_ARG_VALUE', 'options.argv0'));
});

test('who may, makes it another user', async () => {
  if (process.getuid?.() !== 0) {
    console.log('only root can make a program another user');
    return;
  }
  const { stdout } = a.spawnSync('sh', ['-c', 'id -u; id -g; id -G'], { uid: 12345, gid: 12346, encoding: 'utf8' });
  expect(stdout).toBe('12345\n12346\n12346\n');
});

test('close() ends them, and what they started', async () => {
  using _clock = slowClock();
  const before = holdings();
  const stack = new Stack('vdestack');
  const polite = stack.spawn('sh', ['-c', 'trap "exit 5" TERM; echo ready; while :; do sleep 0.01; done']);
  const parent = stack.spawn('sh', ['-c', '(sleep 1000 & echo $!)']);
  const [orphan] = await Promise.all([once(parent.stdout, 'data'), once(polite.stdout, 'data')]);
  const exit = once(polite, 'exit');
  await stack.close();
  expect(await exit).toEqual([5, null]);
  expect(living([Number(orphan), polite.pid as number])).toEqual([]);
  expect(() => stack.spawn('true')).toThrow(expect.objectContaining({ code: 'EBADF' }));
  await expectNothingLeft(before);
});

test('close() kills what does not hear SIGTERM; closeSync() too', async () => {
  const before = holdings();
  const [one, two] = [new Stack('vdestack'), new Stack('vdestack')];
  const stubborn = [one, two].map((stack) =>
    stack.spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 1000; done']),
  );
  await Promise.all(stubborn.map(({ stdout }) => once(stdout, 'data')));
  const exits = Promise.all(stubborn.map((child) => once(child, 'exit')));
  const closing = one.close();
  two.closeSync();
  await closing;
  expect(await exits).toEqual([
    [null, 'SIGKILL'],
    [null, 'SIGKILL'],
  ]);
  await expectNothingLeft(before);
});

test('a stack whose daemon dies ends them', async () => {
  const stack = new Stack('vdestack');
  const child = stack.spawn('sh', ['-c', 'echo inside; exec sleep 1000']);
  await once(child.stdout, 'data');
  const exit = once(child, 'exit');
  const closed = new Promise<void>((resolve) => stack.once('close', resolve));
  const failed = new Promise((resolve) => stack.once('error', resolve));
  process.kill(stack.daemonPid as number, 'SIGKILL');
  expect(await failed).toMatchObject({ code: 'ERR_STACK_DEAD' });
  expect(await exit).toEqual([null, 'SIGTERM']);
  expect(() => stack.spawn('true')).toThrow(expect.objectContaining({ code: 'ERR_STACK_DEAD' }));
  await closed;
});

test.each([
  ['end', 0],
  ['exit', 7],
  ['exception', 1],
  ['SIGINT', 'SIGINT'],
  ['SIGTERM', 'SIGTERM'],
  ['worker terminated', 0],
])('they end with the process: %s', async (way, status) => {
  const life = startScript('programs.ts', [way]);
  const pids = (await life.line('ready')).split(' ').map(Number);
  expect(pids).toHaveLength(3);
  if (way.startsWith('SIG')) life.kill(way as NodeJS.Signals);
  if (way.startsWith('worker')) {
    // a terminated worker runs nothing: what its programs started stays in a dead network
    const [plain, stubborn, orphan] = pids as [number, number, number];
    expect(await untilGone([plain, stubborn])).toEqual([]);
    process.kill(orphan, 'SIGKILL');
    await life.line('terminated');
    life.kill('SIGUSR2');
  }
  const ended = await life.exit;
  expect(await untilGone(pids)).toEqual([]);
  const left = await life.groupGone();
  expect({ status: ended.code, left }).toEqual({ status, left: [] });
});

test('a program does not get the stack of ioth/register', () => {
  const key = 'IOTH_CHILD';
  process.env[key] = '7';
  try {
    const read = ['-c', `echo $${key}`];
    expect(a.spawnSync('sh', read, { encoding: 'utf8' }).stdout).toBe('host\n');
    expect(a.spawnSync('sh', read, { encoding: 'utf8', env: { [key]: '8' } }).stdout).toBe('8\n');
  } finally {
    delete process.env[key];
  }
});

test('on the kernel stack it is child_process, ended with the stack', async () => {
  const before = holdings();
  const stack = new Stack('kernel');
  const namespace = ['-L', '/proc/self/ns/net', '-c', '%i'];
  const own = plainSpawnSync('stat', namespace, { encoding: 'utf8' }).stdout;
  expect(stack.spawnSync('stat', namespace, { encoding: 'utf8' }).stdout).toBe(own);
  const child = stack.spawn('sleep', ['1000']);
  const exit = once(child, 'exit');
  await stack.close();
  expect(await exit).toEqual([null, 'SIGTERM']);
  await expectNothingLeft(before);
});

test('a stack that is no namespace: ENOTSUP', async () => {
  if (!plugins().find(({ name, path }) => name === 'picox' && path)) {
    console.log('no picox here: a stack without a namespace was not tried');
    return;
  }
  set_license('GPL-2.0-or-later');
  const stack = new Stack('picox', net.vnl);
  for (const use of [
    () => stack.spawn('true'),
    () => stack.spawnSync('true'),
    () => stack.sysctl('net.ipv4.ip_forward'),
  ]) {
    expect(use).toThrow(expect.objectContaining({ code: 'ENOTSUP', message: expect.stringContaining('vdestack') }));
  }
  await stack.close();
});

test('without nsenter the message names its package', async () => {
  const life = `
    const stack = new ioth.Stack('vdestack');
    try { stack.spawn('true'); } catch (error) { console.log(error.message); }
    stack.closeSync();`;
  const nsenter = ['/usr/bin/nsenter', '/bin/nsenter'].filter((file) => existsSync(file));
  const hide = `for file in ${nsenter.join(' ')}; do mount --bind /dev/null $file; done && exec "$@"`;
  const { stdout, stderr, code } = await runText(net.dir, life, {
    prefix: ['unshare', '--mount', '--map-root-user', 'sh', '-c', hide, 'sh'],
  });
  if (code !== 0 && /unshare|mount/.test(stderr)) {
    console.log(`this machine does not let a test hide a program: ${stderr.trim()}`);
    return;
  }
  expect(stdout).toMatch(/^spawn ENOENT nsenter: .*apt-get install util-linux\n$/);
});

test('an unprivileged user: a program has the rights of the stack', async () => {
  const result = await runUnprivileged(
    net.dir,
    `
    const stack = new ioth.Stack('vdestack', 'null://');
    console.log(process.getuid() !== 0);
    const say = (...command) => { const { stdout, stderr } = stack.spawnSync('sh', ['-c', command.join(' ')], { encoding: 'utf8' }); console.log((stdout + stderr).trim()); };
    say('id -u');
    say('ip link set lo up && ip addr add 10.9.0.1/24 dev vde0 && echo added');
    console.log(stack.interfaces()[1].addresses[0].address);
    stack.sysctl('net.ipv4.ip_forward', 1);
    console.log(stack.sysctl('net.ipv4.ip_forward'));
    console.log((await stack.ping('127.0.0.1', { count: 1, timeout: ${PATIENCE_MS} })).received);
    const child = stack.spawn('sleep', ['1000']);
    const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal)));
    await stack.close();
    console.log(await ended);
    `,
  );
  if (!result) return;
  const { code, stdout, stderr } = result;
  const lines = ['true', '0', 'added', '10.9.0.1', '1', '1', 'SIGTERM'];
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `${lines.join('\n')}\n`, stderr: '' });
});
