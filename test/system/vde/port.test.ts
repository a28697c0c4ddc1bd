import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { AF_UNIX, SOCK_SEQPACKET, Stack } from 'ioth';
import { VdePort } from 'ioth/vde';
import { libc } from '../../../ffi/libc.js';
import { libvdeplug } from '../../../ffi/vdeplug.js';
import { runText } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { useNetwork } from '../../support/network.js';
import { children, isGone } from '../../support/processes.js';
import { blockLoop, expectQuietWait, ticks } from '../../support/turns.js';
import { PATIENCE_MS, until } from '../../support/until.js';
import { arpRequest, greeting, macOf, SwitchProcess, textOf } from '../../support/vde.js';

const WAIT = { timeout: PATIENCE_MS };

let dir: string;
let before: Holdings;
beforeEach(() => {
  dir = temporaryDirectory();
  before = holdings();
});
afterEach(async () => {
  expect(readdirSync(dir)).toEqual([]);
  rmSync(dir, { recursive: true, force: true });
  await expectNothingLeft(before);
});

/** Two ports on a network of their own. */
async function pair(kind: string): Promise<[VdePort, VdePort]> {
  const path = join(dir, 'n');
  if (kind === 'seqpacket') {
    const fds = new Int32Array(2);
    libc().socketpair(AF_UNIX, SOCK_SEQPACKET, 0, new Uint8Array(fds.buffer));
    return [await VdePort.open(`seqpacket://${fds[0]}`), await VdePort.open(`seqpacket://${fds[1]}`)];
  }
  const first = await VdePort.open(`${kind}://${path}`, WAIT);
  return [first, await VdePort.open(`${kind === 'ptp' ? 'ptp' : 'vde'}://${path}`, WAIT)];
}

describe.each(['switch', 'hub', 'multi', 'bonding', 'ptp', 'seqpacket'])('two ports on %s://', (kind) => {
  let a: VdePort;
  let b: VdePort;
  beforeEach(async () => {
    [a, b] = await pair(kind);
  });
  afterEach(async () => {
    await b.close();
    await a.close();
  });

  it('hear each other', async () => {
    await b.send(greeting(2, 'from b'));
    expect(textOf(await a.recv(WAIT))).toBe('from b');
    await a.send(greeting(1, 'from a'));
    expect(textOf(await b.recv(WAIT))).toBe('from a');
  });

  it('carry frames of every length', async () => {
    for (const length of [14, 60, 1514, 9234]) {
      const frame = Buffer.alloc(length, length & 0xff);
      frame.set(greeting(2, '').subarray(0, 14));
      await b.send(frame);
      expect((await a.recv(WAIT)).equals(frame)).toBe(true);
    }
  });

  it('receive batches, and into bytes of the caller', async () => {
    expect(await b.sendBatch([])).toBe(0);
    expect(await b.sendBatch([greeting(2, 'one'), greeting(2, 'two'), greeting(2, 'three')])).toBe(3);
    const frames: string[] = [];
    while (frames.length < 2) frames.push(...(await a.recvBatch(2 - frames.length, WAIT)).map(textOf));
    expect(frames).toEqual(['one', 'two']);
    const bytes = Buffer.alloc(17);
    expect(await a.recv_into(bytes, WAIT)).toBe(17);
    expect(textOf(bytes)).toBe('thr');
  });

  it('wait no longer than they are told', async () => {
    await expect(a.recv({ timeout: 10 })).rejects.toMatchObject({ code: 'ETIMEDOUT', syscall: 'vde_recv' });
    await expect(a.recv({ timeout: 0 })).rejects.toMatchObject({ code: 'EAGAIN' });
    await expect(a.recvBatch(5, { signal: AbortSignal.abort('why') })).rejects.toMatchObject({ cause: 'why' });
    const controller = new AbortController();
    const waiting = expect(a.recv({ signal: controller.signal })).rejects.toMatchObject({ code: 'ABORT_ERR' });
    controller.abort();
    await waiting;
    // and the next one is served
    await b.send(greeting(2, 'late'));
    expect(textOf(await a.recv(WAIT))).toBe('late');
  });

  it('reject what waits when they are closed', async () => {
    const waiting = expect(a.recv()).rejects.toMatchObject({ code: 'ECANCELED' });
    await a.close();
    await waiting;
    await a.close();
    expect(a.closed).toBe(true);
    await expect(a.recv()).rejects.toMatchObject({ code: 'EBADF' });
    await expect(a.send(greeting(1, 'x'))).rejects.toMatchObject({ code: 'EBADF' });
  });
});

test('null:// takes everything and gives nothing', async () => {
  await using port = await VdePort.open('null://');
  await port.send(greeting(1, 'x'));
  await expect(port.recv({ timeout: 10 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
});

test('cmd:// is a command', async () => {
  await using port = await VdePort.open('cmd://cat');
  await port.send(greeting(1, 'meow'));
  expect(textOf(await port.recv(WAIT))).toBe('meow');
  await using short = await VdePort.open('cmd://true');
  expect(await short.recv(WAIT)).toHaveLength(0);
});

test('a cmd:// that was given up is closed while the loop goes on', async () => {
  const controller = new AbortController();
  const { open_async } = libvdeplug();
  const opens = jest.spyOn(libvdeplug(), 'open_async').mockImplementation((...args) => {
    open_async(...args);
    controller.abort();
  });
  const opening = VdePort.open('cmd://sleep 20', { signal: controller.signal });
  await expect(opening).rejects.toMatchObject({ code: 'ABORT_ERR' });
  opens.mockRestore();
  await until('the command runs', () => isRunning('sleep'));
  await ticks();
  expect(isRunning('sleep')).toBe(true);
});

/** Whether this process has started a command that runs. */
function isRunning(name: string): boolean {
  return children().some((pid) => !isGone(pid) && readFileSync(`/proc/${pid}/comm`, 'utf8') === `${name}\n`);
}

test.each(['switch', 'hub'])('the end of a %s:// is the end of its peers', async (kind) => {
  const [a, b] = await pair(kind);
  const heard: string[] = [];
  const all = (async () => {
    for await (const frame of b) heard.push(textOf(frame));
  })();
  await a.send(greeting(1, 'last'));
  await a.close();
  await all;
  expect(heard).toEqual(['last']);
  expect(await b.recv()).toHaveLength(0);
  expect(await b.recv_into(Buffer.alloc(10))).toBe(0);
  expect(await b.recvBatch()).toEqual([]);
  await expect(b.send(greeting(2, 'x'))).rejects.toMatchObject({ code: 'EPIPE', syscall: 'vde_send' });
  await b.close();
});

test('close() ends an iteration', async () => {
  const port = await VdePort.open('null://');
  const all = (async () => {
    for await (const frame of port) throw new Error(`a frame of ${frame.length} bytes`);
  })();
  await port.close();
  await all;
});

test('a switch of its own is served though nobody receives, and keeps 1024 frames', async () => {
  const [a, b] = await pair('switch');
  const c = await VdePort.open(`vde://${dir}/n`, WAIT);
  // a learns where c is
  await c.send(greeting(3, 'here'));
  expect(textOf(await b.recv(WAIT))).toBe('here');
  const toC = Buffer.from(greeting(2, 'for c alone'));
  toC.set(Buffer.from(macOf(3).replaceAll(':', ''), 'hex'));
  await b.send(toC);
  expect(textOf(await c.recv(WAIT))).toBe('for c alone');
  for (let i = 0; i < 1030; i++) {
    await b.send(greeting(2, String(i)), WAIT);
    expect(textOf(await c.recv(WAIT))).toBe(String(i));
  }
  expect(a.dropped).toBe(7);
  expect(textOf(await a.recv(WAIT))).toBe('here');
  expect(await a.recvBatch(65536, WAIT)).toHaveLength(1023);
  await Promise.all([a.close(), b.close(), c.close()]);
});

test('a send on a switch of its own that waits after a burst can be given up', async () => {
  const port = await VdePort.open(`switch://${dir}/n`);
  const burst = () => Promise.all(Array.from({ length: 100 }, () => port.send(greeting(1, 'burst'))));
  const controller = new AbortController();
  const before = [burst(), port.send(greeting(1, 'x'), { signal: controller.signal })];
  const late = expect(before[1]).rejects.toMatchObject({ code: 'ABORT_ERR' });
  controller.abort();
  await late;
  await before[0];

  const during = burst();
  await expect(port.send(greeting(1, 'x'), { timeout: 0 })).rejects.toMatchObject({ code: 'EAGAIN' });
  const tooLate = expect(port.send(greeting(1, 'x'), { timeout: 1 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  blockLoop(50);
  await Promise.all([during, tooLate]);

  const sending = [burst(), port.send(greeting(1, 'x'))];
  const canceled = sending.map((each) =>
    expect(each).rejects.toMatchObject({ code: 'ECANCELED', syscall: 'vde_send' }),
  );
  await port.close();
  await Promise.all(canceled);
});

test('a peer that leaves in the middle of its request does not keep the processor busy', async () => {
  const [a, b] = await pair('switch');
  const { createConnection } = await import('node:net');
  const socket = createConnection(join(dir, 'n', 'ctl'));
  await once(socket, 'connect');
  await b.send(greeting(2, 'meanwhile'));
  expect(textOf(await a.recv(WAIT))).toBe('meanwhile');
  socket.destroy();
  await once(socket, 'close');
  // it looks for peers that have gone at times
  await ticks();
  const waiting = a.recv();
  const receives = jest.spyOn(libvdeplug(), 'recv');
  await expectQuietWait(waiting);
  expect(receives).not.toHaveBeenCalled();
  receives.mockRestore();
  const ended = expect(waiting).rejects.toMatchObject({ code: 'ECANCELED' });
  await Promise.all([a.close(), b.close()]);
  await ended;
});

test('a stack is not made on a switch of this thread, which could not answer', async () => {
  const port = await VdePort.open(`switch://${dir}/n`);
  expect(() => new Stack('vdestack', `vde://${dir}/n`)).toThrow(expect.objectContaining({ code: 'EDEADLK' }));
  await port.close();
});

describe('open', () => {
  it.each([
    ['vde:///nowhere/sw', 'ENOENT'],
    ['switch:///nowhere/sw', 'ENOENT'],
    ['nosuch:///x', 'EPROTONOSUPPORT'],
    [`switch:///tmp/${'x'.repeat(100)}`, 'ENAMETOOLONG'],
  ])('says why %s cannot be joined', async (vnl, code) => {
    await expect(VdePort.open(vnl)).rejects.toMatchObject({ code, syscall: 'vde_open', address: vnl });
  });

  it('refuses what makes no sense', async () => {
    const open = VdePort.open as (...args: unknown[]) => Promise<VdePort>;
    for (const args of [
      [],
      [5],
      ['vde://a\0b'],
      ['null://', { prt: 1 }],
      ['null://', { port: 0 }],
      ['null://', { mode: 0o1000 }],
      ['null://', { group: 5 }],
      ['null://', { timeout: 0 }],
      ['null://', { description: 'x'.repeat(101) }],
      ['null://', { signal: 1 }],
    ]) {
      await expect(open(...args)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(INVALID_ARG|OUT_OF)/) });
    }
    await expect(open('null://', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORT_ERR' });
    const port = await open('null://', { description: 'd' });
    for (const refused of [
      port.send(Buffer.alloc(13)),
      port.send(Buffer.alloc(9235)),
      port.send('text' as never),
      port.sendBatch([Buffer.alloc(20), Buffer.alloc(5)]),
      port.recv_into(Buffer.alloc(0)),
      port.recvBatch(0),
      port.recv({ timeout: -1 }),
      port.recv({ timout: 1 } as never),
    ]) {
      await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(INVALID_ARG|OUT_OF)/) });
    }
    await port.close();
  });

  it('does not take the place of a node that lives, nor of what is none', async () => {
    await using port = await VdePort.open(`switch://${dir}/n`);
    await expect(VdePort.open(`hub://${dir}/n`)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(port.closed).toBe(false);
    mkdirSync(join(dir, 'other'));
    writeFileSync(join(dir, 'other/file'), '');
    await expect(VdePort.open(`hub://${dir}/other`)).rejects.toMatchObject({ code: 'EEXIST' });
    rmSync(join(dir, 'other'), { recursive: true });
  });

  it('takes the place of a node whose process was killed', async () => {
    const source = `
      const { VdePort } = await import('ioth/vde');
      await VdePort.open('switch://${dir}/n');
      process.kill(process.pid, 'SIGKILL');`;
    expect(await runText(dir, source)).toMatchObject({ code: 'SIGKILL', stderr: '' });
    rmSync(join(dir, 'child.mjs'));
    expect(readdirSync(dir)).toEqual(['n']);
    const [a, b] = await pair('switch');
    await a.send(greeting(1, 'again'));
    expect(textOf(await b.recv(WAIT))).toBe('again');
    await Promise.all([a.close(), b.close()]);
  });

  it('gives up where a switch does not answer', async () => {
    mkdirSync(join(dir, 'mute'));
    const mute = createServer((socket) => socket.resume()).listen(join(dir, 'mute/ctl'));
    await once(mute, 'listening');
    const vnl = `vde://${dir}/mute`;
    await expect(VdePort.open(vnl, { timeout: 50 })).rejects.toMatchObject({ code: 'ETIMEDOUT', syscall: 'vde_open' });
    const controller = new AbortController();
    const opening = expect(VdePort.open(vnl, { signal: controller.signal })).rejects.toMatchObject({
      code: 'ABORT_ERR',
    });
    controller.abort();
    await opening;
    mute.close();
    await once(mute, 'close');
    rmSync(join(dir, 'mute'), { recursive: true });
  });
});

test('a port of a worker thread is a switch for stacks of the main one', async () => {
  const source = `
    import { isMainThread, parentPort, Worker } from 'node:worker_threads';
    import { once } from 'node:events';
    import { readdirSync } from 'node:fs';
    const { VdePort } = await import('ioth/vde');
    if (isMainThread) {
      const before = readdirSync('/proc/self/fd').length;
      const worker = new Worker(new URL(import.meta.url));
      await once(worker, 'message');
      const stacks = [1, 2].map((number) => {
        const stack = new ioth.Stack('vdestack', 'vde://${dir}/n');
        stack.linksetupdown(stack.if_nametoindex('vde0'), true);
        stack.ipaddr_add(ioth.AF_INET, '10.0.0.' + number, 24, stack.if_nametoindex('vde0'));
        return stack;
      });
      const [a, b] = stacks.map((stack) => stack.socket(ioth.AF_INET, ioth.SOCK_DGRAM));
      a.bind(['10.0.0.1', 5000]);
      await b.sendto('through the worker', ['10.0.0.1', 5000]);
      console.log(String(await a.recv(100)));
      for (const stack of stacks) await stack.close();
      worker.postMessage('end');
      await once(worker, 'exit');
      const left = readdirSync('/proc/self/fd').length - before;
      console.log(left < 4 ? 'nothing left' : left);
    } else {
      const port = await VdePort.open('switch://${dir}/n');
      parentPort.postMessage('open');
      await once(parentPort, 'message');
      await port.close();
    }`;
  const { stdout, stderr } = await runText(dir, source);
  expect({ stdout, stderr }).toEqual({ stdout: 'through the worker\nnothing left\n', stderr: '' });
  rmSync(join(dir, 'child.mjs'));
});

describe('ends', () => {
  it.each(['process.exit(3)', "process.kill(process.pid, 'SIGTERM')", 'throw new Error("out")', ''])(
    'a node leaves nothing behind: %s',
    async (ending) => {
      const source = `
        const { VdePort } = await import('ioth/vde');
        const a = await VdePort.open('switch://${dir}/n');
        const b = await VdePort.open('vde://${dir}/n');
        a.recv().catch(() => {});
        a.unref();
        console.log('open');
        ${ending}`;
      expect(await runText(dir, source)).toMatchObject({ stdout: 'open\n' });
      rmSync(join(dir, 'child.mjs'));
    },
  );

  it('a forgotten port is closed', async () => {
    const source = `
      import { setFlagsFromString } from 'node:v8';
      import { runInNewContext } from 'node:vm';
      import { readdirSync } from 'node:fs';
      const { VdePort } = await import('ioth/vde');
      setFlagsFromString('--expose_gc');
      const gc = runInNewContext('gc');
      await (async () => void (await VdePort.open('switch://${dir}/n')))();
      for (let i = 0; i < 12_000 && readdirSync('${dir}').includes('n'); i++) {
        gc();
        await new Promise((next) => setTimeout(next, 10));
      }
      console.log(readdirSync('${dir}').join());`;
    const { stdout, stderr } = await runText(dir, source);
    expect(stdout).toBe('child.mjs\n');
    expect(stderr).toContain('A VdePort was garbage collected before it was closed');
    rmSync(join(dir, 'child.mjs'));
  });
});

/** Until what `b` is sent is heard again: vde_switch drops what its ports do not take at once. */
async function settled(a: VdePort, b: VdePort): Promise<void> {
  const texts: string[] = [];
  while (!texts.includes('marker')) {
    await a.send(greeting(1, 'marker'), WAIT);
    try {
      for (;;) texts.push(...(await b.recvBatch(1000, { timeout: 100 })).map(textOf));
    } catch (error) {
      expect(error).toMatchObject({ code: 'ETIMEDOUT' });
    }
  }
}

describe('vde_switch', () => {
  it('is joined, waited for, and missed', async () => {
    const sw = await SwitchProcess.start(dir);
    const a = await VdePort.open(sw.vnl, { description: 'a', port: 5 });
    const b = await VdePort.open(sw.vnl);
    await a.send(greeting(1, 'hello'));
    expect(textOf(await b.recv(WAIT))).toBe('hello');
    // its queue fills up while it is stopped
    sw.kill('SIGSTOP');
    let sent = 0;
    for (; sent < 10_000; sent++) {
      try {
        await a.send(greeting(1, 'x'), { timeout: 20 });
      } catch (error) {
        expect(error).toMatchObject({ code: 'ETIMEDOUT' });
        break;
      }
    }
    expect(sent).toBeLessThan(10_000);
    const waiting = a.send(greeting(1, 'waits'), WAIT);
    sw.kill('SIGCONT');
    await waiting;
    await settled(a, b);
    // and a sender that waits hears of its end
    sw.kill('SIGSTOP');
    const blocked = (async () => {
      for (;;) await a.send(greeting(1, 'x'), WAIT);
    })();
    const [end] = await Promise.allSettled([blocked, b.recv(WAIT), sw.stop('SIGKILL')]);
    expect(end).toMatchObject({ status: 'rejected', reason: { code: 'EPIPE' } });
    expect(await a.recv(WAIT)).toHaveLength(0);
    await Promise.all([a.close(), b.close()]);
    rmSync(sw.path, { recursive: true, force: true });
  });

  it.each([
    ['switch', [], 0],
    ['hub', ['--hub'], 1],
  ])('as a %s, lets a third port hear what is not for it: %j', async (_kind, args, count) => {
    const sw = await SwitchProcess.start(dir, ...args);
    const [a, b, c] = [await VdePort.open(sw.vnl), await VdePort.open(sw.vnl), await VdePort.open(sw.vnl)];
    await b.send(greeting(2, 'I am here'));
    await a.recv(WAIT);
    await c.recv(WAIT);
    const toB = greeting(1, 'for b');
    toB.set(Buffer.from(macOf(2).replaceAll(':', ''), 'hex'));
    await a.send(toB);
    expect(textOf(await b.recv(WAIT))).toBe('for b');
    await a.send(greeting(1, 'for all'));
    const heard = [textOf(await c.recv(WAIT))];
    if (heard[0] !== 'for all') heard.push(textOf(await c.recv(WAIT)));
    expect(heard).toHaveLength(count + 1);
    await Promise.all([a.close(), b.close(), c.close()]);
    await sw.stop();
    rmSync(sw.path, { recursive: true, force: true });
  });
});

describe('with stacks', () => {
  const net = useNetwork();

  it('a stack answers an ARP request', async () => {
    await using port = await VdePort.open(net.vnl);
    await port.send(arpRequest(9, 1));
    for await (const frame of port) {
      if (frame.readUInt16BE(12) !== 0x0806 || frame.readUInt16BE(20) !== 2) continue;
      expect([...frame.subarray(28, 32)]).toEqual([10, 0, 0, 1]);
      break;
    }
  });

  it('the end of the stack that is the switch ends the port', async () => {
    const other = new Stack('vdestack', `switch://${dir}/sw`);
    const port = await VdePort.open(`vde://${dir}/sw`);
    const all = (async () => {
      for await (const frame of port) expect(frame.length).toBeGreaterThan(13);
    })();
    await other.close();
    await all;
    await port.close();
  });
});
