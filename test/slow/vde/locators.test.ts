import { once } from 'node:events';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Link } from 'ioth/lab';
import { libc } from '../../../ffi/libc.js';
import { AF_UNIX, SOCK_SEQPACKET, SOCK_STREAM } from '../../../lib/constants/index.js';
import { Stack } from '../../../lib/stack/stack.js';
import { VdePort, type VdePortOptions } from '../../../lib/vde/index.js';
import { runSource, runText, start } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';

let dir: string;
let before: Holdings;
beforeEach(() => {
  dir = temporaryDirectory();
  before = holdings();
});
afterEach(async () => {
  await expectNothingLeft(before);
});

/** Opens, and closes what was opened. */
async function viaPort(vnl: string, options?: VdePortOptions): Promise<void> {
  const port = await VdePort.open(vnl, options);
  await port.close();
}

async function viaStack(vnl: string): Promise<void> {
  const stack = new Stack('vdestack', vnl);
  await stack.close();
}

async function viaLink(vnl: string): Promise<void> {
  const link = await Link.create('null://', vnl);
  await link.close();
}

const WAYS = [
  ['VdePort', viaPort],
  ['Stack', viaStack],
  ['Link', viaLink],
] as const;

/** What stands in a directory: names, kinds, modes, inodes, sizes, times and content. */
function tree(path: string): string[] {
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      const { ino, mode, size, mtimeMs } = lstatSync(file);
      return [file, ino, mode, size, mtimeMs, entry.isFile() ? readFileSync(file, 'utf8') : ''].join(' ');
    })
    .concat(`${statSync(path).ino} ${statSync(path).mode}`);
}

/** A control socket that nobody serves any more: one that is closed unlinks its path, but not the one it was moved to. */
async function deadSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.alive`);
  await once(server, 'listening');
  renameSync(`${path}.alive`, path);
  await new Promise((done) => server.close(done));
}

const FOREIGN: Record<string, (path: string) => Promise<void> | void> = {
  'an empty directory': (path) => mkdirSync(path),
  'a directory with files that are called as sockets are': (path) => {
    mkdirSync(path);
    writeFileSync(join(path, 'ctl'), 'precious');
    writeFileSync(join(path, 'fd12'), 'precious');
  },
  'a dead control socket beside a file that is called as a socket is': async (path) => {
    mkdirSync(path);
    await deadSocket(join(path, 'ctl'));
    writeFileSync(join(path, 'fd12'), 'precious');
  },
  'a dead control socket beside a socket of another name': async (path) => {
    mkdirSync(path);
    await deadSocket(join(path, 'ctl'));
    await deadSocket(join(path, 'database'));
  },
  'sockets without a control socket': async (path) => {
    mkdirSync(path);
    await deadSocket(join(path, 'fd5'));
  },
  'a directory that is called ctl': (path) => {
    mkdirSync(path);
    mkdirSync(join(path, 'ctl'));
    writeFileSync(join(path, 'ctl/file'), 'precious');
  },
  'a link to a node that is gone': async (path) => {
    mkdirSync(`${path}-target`);
    await deadSocket(join(`${path}-target`, 'ctl'));
    symlinkSync(`${path}-target`, path);
  },
  'a link to files': (path) => {
    mkdirSync(`${path}-target`);
    writeFileSync(join(`${path}-target`, 'ctl'), 'precious');
    symlinkSync(`${path}-target`, path);
  },
  'a link to nowhere': (path) => symlinkSync('/nowhere', path),
  'a file': (path) => writeFileSync(path, 'precious'),
};

describe.each(WAYS)('%s', (_name, open) => {
  it.each(Object.keys(FOREIGN))('makes no switch in the place of %s, and does not touch it', async (what) => {
    const path = join(dir, 'data');
    await FOREIGN[what]?.(path);
    const was = tree(dir);
    await expect(open(`switch://${path}`)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(tree(dir)).toEqual(was);
  });

  it('takes the place of a switch that is gone', async () => {
    const path = join(dir, 'sw');
    mkdirSync(path);
    await deadSocket(join(path, 'ctl'));
    await deadSocket(join(path, 'fd31'));
    await deadSocket(join(path, '.00123-00000'));
    await open(`switch://${path}`);
    expect(readdirSync(dir)).toEqual([]);
  });

  it.each([
    ['a locator of 9 MB', () => `switch:///tmp/${'x'.repeat(9_000_000)}`],
    ['a command of 120 kB', () => `cmd://${'x'.repeat(120_000)}`],
    ['a path of 4,200 bytes', () => `switch:///tmp/${'x'.repeat(4200)}`],
    ['a path of 4,000 bytes', () => `hub://${dir}/${'x'.repeat(4000)}`],
    [
      'a path of 100 bytes',
      () => `switch://${dir.padEnd(99, '/')}x`.replace(/\/+x$/, (end) => `/${'x'.repeat(end.length - 1)}`),
    ],
    ['a cable of 106 bytes', () => `ptp://${dir}/${'x'.repeat(105 - dir.length)}`],
    ['a tap of 16 bytes', () => `tap://${'x'.repeat(16)}`],
    ['a path of 100 bytes with braces', () => `switch://${dir}/{${'x'.repeat(100 - dir.length)}}`],
    ['a path of 100 bytes with braces behind', () => `hub://${dir}/${'x'.repeat(100 - dir.length)}[{mode}]`],
    ['a path of 100 bytes below', () => `vlan://3{switch://${dir}/${'x'.repeat(100 - dir.length)}}`],
  ])('refuses %s, and says the limit', async (_what, vnl) => {
    const failure = open(vnl());
    await expect(failure).rejects.toMatchObject({
      code: 'ENAMETOOLONG',
      message: expect.stringMatching(/has \d+ bytes, but the limit is \d+/),
    });
    // a locator is not repeated whole
    await expect(failure).rejects.toMatchObject({ message: expect.not.stringMatching(/.{1000}/s) });
  });

  it('takes paths up to their limit', async () => {
    await open(`switch://${dir}/${'x'.repeat(98 - dir.length)}`);
    await open(`ptp://${dir}/${'x'.repeat(104 - dir.length)}`);
    await open(`switch://${dir}/a{b}c`);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('does not join a switch whose path leaves no room for its own sockets', async () => {
    const path = join(dir, 'x'.repeat(98 - dir.length));
    const child = start('vde_switch', ['-s', path]);
    try {
      for (let i = 0; i < 3000 && !readdirSync(dir).length; i++) await new Promise((next) => setTimeout(next, 10));
      await expect(open(`vde://${path}`)).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
    } finally {
      await child.stop('SIGTERM');
    }
  });

  it.each(['hello', '', '-1', '0x5', '010', ' 5', '99999999999999', '5/6'])(
    'refuses seqpacket://%s, and leaves descriptor 0 alone',
    async (text) => {
      const zero = statSync('/proc/self/fd/0').ino;
      await expect(open(`seqpacket://${text}`)).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_(INVALID_ARG_VALUE|OUT_OF_RANGE)$/),
      });
      expect(statSync('/proc/self/fd/0').ino).toBe(zero);
    },
  );

  it('takes only a descriptor that is open, and a socket of packets', async () => {
    await expect(open('seqpacket://9999')).rejects.toMatchObject({ code: 'EBADF' });
    const fds = new Int32Array(2);
    libc().socketpair(AF_UNIX, SOCK_STREAM, 0, new Uint8Array(fds.buffer));
    await expect(open(`seqpacket://${fds[0]}`)).rejects.toMatchObject({ code: 'EPROTOTYPE' });
    for (const fd of fds) libc().close(fd);
    const file = libc().dup(2);
    const isSocket = lstatSync('/dev/null') && statSync(`/proc/self/fd/${file}`).isSocket();
    if (!isSocket) await expect(open(`seqpacket://${file}`)).rejects.toMatchObject({ code: 'ENOTSOCK' });
    libc().close(file);
    libc().socketpair(AF_UNIX, SOCK_SEQPACKET, 0, new Uint8Array(fds.buffer));
    await open(`seqpacket://${fds[0]}`);
    libc().close(fds[1] as number);
  });

  it.each(['switch://', 'hub://', 'multi://', 'ptp://', 'switch:///tmp/%00'])('refuses %s', async (vnl) => {
    await expect(open(vnl)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
  });

  it('removes nothing that is no end of a cable', async () => {
    for (const end of ['wire', 'wire+']) {
      writeFileSync(join(dir, end), 'precious');
      const was = tree(dir);
      await expect(open(`ptp://${dir}/wire`)).rejects.toMatchObject({ code: 'EEXIST' });
      expect(tree(dir)).toEqual(was);
      renameSync(join(dir, end), join(dir, 'kept'));
    }
    await deadSocket(join(dir, 'socket'));
    symlinkSync('socket', join(dir, 'wire'));
    const was = tree(dir);
    await expect(open(`ptp://${dir}/wire`)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(tree(dir)).toEqual(was);
  });

  it('checks the locator that stands in a file', async () => {
    writeFileSync(join(dir, 'network'), `switch://${dir}/${'x'.repeat(3900)}\n`);
    await expect(open(join(dir, 'network'))).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
    writeFileSync(join(dir, 'network'), `switch://${dir}/sw`);
    await open(join(dir, 'network'));
    writeFileSync(join(dir, 'network'), `seqpacket://hello\n`);
    await expect(open(join(dir, 'network'))).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    expect(readdirSync(dir)).toEqual(['network']);
  });

  it.each(["it's", 'a%41b', 'back\\slash', 'two "words"', 'brack[et]'])('reads %s as libvdeplug does', async (name) => {
    // quoted by a backslash it is the name itself
    const quoted = name.replace(/['"\\%[]/g, '\\$&');
    await open(`switch://${dir}/${quoted}[mode=660]`);
    expect(readdirSync(dir)).toEqual([]);
    mkdirSync(join(dir, name));
    await deadSocket(join(dir, name, 'ctl'));
    await open(`switch://${dir}/${quoted}`);
    expect(readdirSync(dir)).toEqual([]);
  });
});

test('a stack that is the switch removes no directory that stands in its place when it ends', async () => {
  const stack = new Stack('vdestack', `switch://${dir}/sw`);
  renameSync(join(dir, 'sw'), join(dir, 'moved'));
  mkdirSync(join(dir, 'sw'));
  writeFileSync(join(dir, 'sw/fd12'), 'precious');
  await stack.close();
  expect(readFileSync(join(dir, 'sw/fd12'), 'utf8')).toBe('precious');
});

describe('mode and group', () => {
  it.each(['switch', 'hub', 'multi', 'bonding'])('are those of a %s://', async (kind) => {
    const vnl = `${kind}://${dir}/sw`;
    await using port = await VdePort.open(vnl, { mode: 0o660, group: String(process.getgid?.()) });
    expect(port.vnl).toBe(vnl);
    expect((statSync(join(dir, 'sw/ctl')).mode & 0o777).toString(8)).toBe('660');
    expect((statSync(join(dir, 'sw')).mode & 0o777).toString(8)).toBe('770');
  });

  it('give way to what the locator says', async () => {
    await using _port = await VdePort.open(`hub://${dir}/sw[mode=600]`, { mode: 0o666 });
    expect((statSync(join(dir, 'sw/ctl')).mode & 0o777).toString(8)).toBe('600');
  });

  it.each([
    ['hub', { port: 3 }],
    ['null', { mode: 0o600 }],
    ['seqpacket', { group: 'root' }],
    ['switch', { group: 'a/mode=777' }],
  ])('are refused where %s:// would ignore them: %j', async (kind, options) => {
    const vnl = kind === 'null' ? 'null://' : kind === 'seqpacket' ? 'seqpacket://0' : `${kind}://${dir}/sw`;
    await expect(VdePort.open(vnl, options)).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_INVALID_ARG_VALUE|ENOTSOCK|EPROTOTYPE$/),
    });
  });
});

test("ioth switch takes no '', and leaves what is no switch's", async () => {
  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'data/ctl'), 'precious');
  const was = tree(dir);
  const main = 'lib/cli/main.ts';
  expect(await runSource(main, ['switch', ''], { cwd: dir })).toMatchObject({ code: 2, stdout: '' });
  expect(await runSource(main, ['switch', 'data'], { cwd: dir })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('EEXIST'),
  });
  expect(tree(dir)).toEqual(was);
});

test.each([100, 3000])('a lab works where TMPDIR has %i bytes, and leaves nothing in other places', async (length) => {
  let TMPDIR = dir;
  while (TMPDIR.length < length) TMPDIR = join(TMPDIR, 'x'.repeat(90));
  mkdirSync(TMPDIR, { recursive: true });
  const source = `
    import { Lab } from 'ioth/lab';
    const lab = await Lab.create({ networks: { n: '10.0.0.0/24' }, hosts: { a: 'n', b: 'n' } });
    await lab.close();
    console.log(process.pid);`;
  const { stdout, ...end } = await runText(dir, source, { env: { TMPDIR } });
  expect(end).toEqual({ code: 0, stderr: '' });
  expect(readdirSync('/tmp').filter((name) => name.startsWith(`ioth-lab-${stdout.trim()}-`))).toEqual([]);
});

test('another user who may write beside a switch has nothing of others removed by root', async () => {
  if (process.getuid?.() !== 0) return;
  chmodSync(dir, 0o777);
  const owner = start('sh', ['-c', `mkdir ${dir}/sw && chmod 777 ${dir}/sw && echo made && exec sleep 60`], {
    prefix: ['setpriv', '--reuid=65534'],
  });
  await owner.line('made');
  await deadSocket(join(dir, 'sw/ctl'));
  const was = tree(dir);
  await expect(viaPort(`switch://${dir}/sw`)).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(viaStack(`switch://${dir}/sw`)).rejects.toMatchObject({ code: 'EEXIST' });
  expect(tree(dir)).toEqual(was);
  await owner.stop();
});
