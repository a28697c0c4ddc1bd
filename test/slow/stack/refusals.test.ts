import { Stack } from '../../../lib/stack/stack.js';
import { runText } from '../../support/child.js';
import { useDirectory } from '../../support/directory.js';
import { failureOf } from '../../support/failure.js';
import { runUnprivileged } from '../../support/unprivileged.js';

const directory = useDirectory();

test.each([
  ['dnsCache', [-1, Number.NaN, 1.5, 2 ** 40], 'ERR_OUT_OF_RANGE'],
  ['dnsCache', ['1', {}, null, true], 'ERR_INVALID_ARG_TYPE'],
  ['timeout', [0, -1, Number.NaN, 2 ** 40], 'ERR_OUT_OF_RANGE'],
  ['timeout', ['1', {}, null], 'ERR_INVALID_ARG_TYPE'],
  ['signal', [{}, 'x', 1], 'ERR_INVALID_ARG_TYPE'],
] as const)('%s of %p is %s, without a configuration too', async (name, values, code) => {
  for (const value of values) {
    const settings = { [name]: value } as object;
    const expected = { code, message: expect.stringContaining(`options.${name}`) };
    expect(failureOf(() => new Stack('vdestack', null, null, settings))).toMatchObject(expected);
    await expect(Stack.create({ stack: 'vdestack', ...settings })).rejects.toMatchObject(expected);
  }
});

test('a network that libvdeplug refuses without a word is EINVAL, whatever failed before', () => {
  failureOf(() => new Stack('vdestack', `vde://${directory.path}/none`));
  expect(failureOf(() => new Stack('vdestack', 'udp://bad'))).toMatchObject({
    code: 'EINVAL',
    syscall: 'ioth_newstack',
    message: expect.stringMatching(/invalid argument.*could not be joined/),
  });
});

test('5,000 that wait with one signal: no warning, and all are told', async () => {
  const text = `
    const stack = new ioth.Stack('vdestack', 'null://');
    stack.linksetupdown('lo', true);
    const socket = stack.socket(ioth.AF_INET, ioth.SOCK_DGRAM);
    const control = new AbortController();
    const { signal } = control;
    const waiting = Array.from({ length: 5000 }, () => socket.recv(10, 0, { signal }).catch(({ name }) => name));
    const others = Array.from({ length: 20 }, () => stack.socket(ioth.AF_INET, ioth.SOCK_DGRAM).recv(10, 0, { signal }).catch(({ name }) => name));
    setTimeout(() => control.abort(), 50);
    console.log(...new Set(await Promise.all([...waiting, ...others])));
    const counts = [];
    // who waited and waits no more has no listener left
    const second = new AbortController();
    second.signal.addEventListener = () => counts.push('listens');
    for (let i = 0; i < 3; i++) socket.recv(10, 0, { signal: second.signal }).catch(() => {});
    console.log(...counts);
    await stack.close();`;
  const { stdout, stderr } = await runText(directory.path, text);
  expect({ stdout, stderr }).toEqual({ stdout: 'AbortError\nlistens\n', stderr: '' });
});

test('without processes to make, it is ulimit -u that the error names', async () => {
  const text = `
    const stacks = [];
    try {
      for (let i = 0; i < 200; i++) stacks.push(new ioth.Stack('vdestack'));
      console.log('all were made');
    } catch ({ code, message }) {
      console.log(code, message);
    }`;
  const limited = `
    import { spawnSync } from 'node:child_process';
    const { pid } = process;
    spawnSync('prlimit', ['--pid', String(pid), '--nproc=40:40'], { stdio: 'inherit' });
    ${text}`;
  const result = await runUnprivileged(directory.path, limited);
  if (!result) return;
  expect(result.stdout).toMatch(/^EAGAIN ioth_newstack EAGAIN: .*ulimit -u\n$/);
});

describe('without /proc', () => {
  const hidden = { prefix: ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /proc && exec "$@"', 'sh'] };
  const isRoot = process.getuid?.() === 0;

  it.each([
    ["new ioth.Stack('vdestack')", 'ioth_newstack'],
    ["new ioth.Stack('kernel')", 'ioth_newstack'],
    ["await ioth.Stack.create('vdestack', 'null://')", 'ioth_newstack'],
    ["await vde.VdePort.open('null://')", 'vde_open'],
    ["const link = await lab.Link.create('null://', 'null://')", 'vde_open'],
  ])('%s says that it is not there', async (work, syscall) => {
    if (!isRoot) return;
    const text = `
      import * as vde from 'ioth/vde';
      import * as lab from 'ioth/lab';
      try {
        ${work};
        console.log('made');
        process.exit();
      } catch (error) {
        console.log(error.name, error.code, error.syscall, error.message);
        process.exit();
      }`;
    const { stdout, stderr } = await runText(directory.path, text, hidden);
    expect({ stdout, stderr }).toEqual({
      stdout: expect.stringMatching(new RegExp(`^IothError ENOENT ${syscall} .*proc\\(5\\)`)),
      stderr: '',
    });
  });
});

test('without a directory for temporary files a lab says so', async () => {
  const text = `
    import * as lab from 'ioth/lab';
    const config = { networks: { lan: '10.0.0.0/24' }, hosts: { a: 'lan' } };
    const { name, code, syscall, message } = await lab.Lab.create(config).catch((error) => error);
    console.log(name, code, syscall, message);`;
  const { stdout } = await runText(directory.path, text, { env: { TMPDIR: `${directory.path}/none` } });
  expect(stdout).toMatch(/^IothError ENOENT mkdtemp .*none: .*TMPDIR/);
});
