import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, SOL_RAW, type Stack } from 'ioth';
import koffi from 'koffi';
import { libioth } from '../../../ffi/ioth.js';
import { ping } from '../../../lib/ping/ping.js';
import { notePicox, preparePicox } from '../../../lib/vdestack/picox.js';
import { useDirectory } from '../../support/directory.js';
import { useNetwork } from '../../support/network.js';
import { usePump } from '../../support/pump.js';
import { PATIENCE_MS } from '../../support/until.js';

/* What a stack without the kernel's options has others do, on a vdestack that is made to lack them. */

const EPROTONOSUPPORT = 93;

const real = { ...libioth() };
const unknown: number[][] = [];
/** Options of these levels are not known. */
let lacking: readonly number[] = [];
beforeAll(() => {
  libioth().setsockopt = (fd, level, option, value, length) => {
    const isLacking = lacking.includes(level) && (level !== IPPROTO_IPV6 || option === IPV6_V6ONLY);
    if (!isLacking) return real.setsockopt(fd, level, option, value, length);
    unknown.push([level, option]);
    koffi.errno(EPROTONOSUPPORT);
    return -1;
  };
});
beforeEach(() => {
  unknown.length = 0;
});
afterEach(() => {
  lacking = [];
});
// before the network's own
afterAll(() => {
  libioth().setsockopt = real.setsockopt;
});

const lan = useNetwork(2);
const directory = useDirectory();

describe('without a dual stack', () => {
  usePump();
  beforeEach(() => {
    lacking = [IPPROTO_IPV6];
  });
  const stackOf = () => lan.stacks[0] as Stack;

  it('create_server listens on IPv6 all the same, and refuses to take IPv4 there', () => {
    expect(stackOf().has_dualstack_ipv6()).toBe(false);
    const listener = stackOf().create_server(['::', 5000]);
    expect(listener.family).toBe(AF_INET6);
    listener.close();
    const refused = () => stackOf().create_server(['::', 5000], { dualstack_ipv6: true });
    expect(refused).toThrow(expect.objectContaining({ code: 'EPROTONOSUPPORT' }));
  });

  it('a server of Node listens on IPv4 where it was given no address, and on the one that it was given', async () => {
    for (const [host, address] of [
      [undefined, '0.0.0.0'],
      ['::', '::'],
      ['10.0.0.1', '10.0.0.1'],
    ]) {
      const server = stackOf().net.createServer().listen({ port: 5001, host });
      await once(server, 'listening');
      expect((server.address() as AddressInfo).address).toBe(address);
      server.close();
      await once(server, 'close');
    }
  });
});

it('ping does without the options of raw sockets, and an error queue', async () => {
  lacking = [SOL_RAW];
  const [stack] = lan.stacks as [Stack];
  const picox = new Proxy(stack, {
    get: (target, name) => {
      if (name === 'hasKernelSockets') return false;
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  expect(await ping(picox, '10.0.0.2', { count: 2, interval: 10, timeout: PATIENCE_MS })).toMatchObject({
    received: 2,
    loss: 0,
  });
  expect(unknown).toEqual([]);
});

it('a picox needs vde_plug for its networks, and is the only one', () => {
  const PATH = process.env.PATH;
  const one = { plugin: 'picox', vnls: ['null://'] };
  try {
    process.env.PATH = directory.path;
    expect(() => preparePicox(one)).toThrow(
      expect.objectContaining({ code: 'ENOENT', message: expect.stringContaining('Debian package vdeplug') }),
    );
    expect(() => preparePicox({ ...one, vnls: [] })).not.toThrow();
    writeFileSync(join(directory.path, 'vde_plug'), '');
    chmodSync(join(directory.path, 'vde_plug'), 0o755);
    expect(() => preparePicox(one)).not.toThrow();
    // one that could not be made is none
    expect(() => preparePicox(one)).not.toThrow();
    notePicox({ plugin: 'vdestack', vnls: [] });
    expect(() => preparePicox(one)).not.toThrow();
    notePicox(one);
    expect(() => preparePicox({ ...one, plugin: 'picox_n' })).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    expect(() => preparePicox({ plugin: 'vdestack', vnls: [] })).not.toThrow();
  } finally {
    process.env.PATH = PATH;
  }
});
