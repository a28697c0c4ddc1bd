import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { AF_INET, AF_INET6, SOCK_DGRAM, Stack } from 'ioth';
import { capturePort, describeFrame, PcapngWriter, VdePort } from 'ioth/vde';
import { run } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { fuzz } from '../../support/fuzz.js';
import { expectNothingLeft, holdings } from '../../support/leaks.js';
import { configure } from '../../support/network.js';
import { openDescriptors } from '../../support/processes.js';
import { arpRequest, BROADCAST, frameOf, greeting, macOf, SwitchProcess } from '../../support/vde.js';

const before = holdings();
const dir = temporaryDirectory();
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await expectNothingLeft(before);
});

async function tcpdump(file: string, ...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await run('tcpdump', ['-n', '-r', file, ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('reading from file') });
  // without the dumps of what it does not know
  return stdout.split('\n').filter((line) => /^\S/.test(line));
}

async function tshark(file: string, ...fields: string[]): Promise<string[][]> {
  const args = ['-n', '-r', file, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
  const { code, stdout, stderr } = await run('tshark', args, { env: { HOME: dir } });
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const rows = stdout.split('\n').filter(Boolean);
  return rows.map((row) => row.split('\t'));
}

describe('PcapngWriter', () => {
  const time = 1_700_000_000_123_456_789n;

  it('writes what tcpdump and tshark read', async () => {
    const file = join(dir, 'written.pcapng');
    const writer = await PcapngWriter.toFile(pathToFileURL(file));
    const lan = writer.addInterface('lan', { description: 'the local one', snaplen: 60 });
    const wan = writer.addInterface('wän');
    writer.writeFrame(lan, arpRequest(9, 1), { time, comment: 'dropped: loss 10%', direction: 'outbound' });
    writer.writeFrame(wan, greeting(3, 'x'.repeat(87)), { time: time + 1n });
    writer.writeFrame(lan, greeting(3, 'x'.repeat(87)), { time: time + 2n });
    await writer.end();
    await writer.end();
    expect(await tcpdump(file, '-t')).toHaveLength(3);
    const [first] = await tcpdump(file, '-tt', '--nano');
    expect(first).toMatch(/^1700000000\.123456789 ARP, Request who-has 10\.0\.0\.1 tell 10\.0\.0\.9/);
    const fields = ['frame.time_epoch', 'frame.interface_name', 'frame.cap_len', 'frame.len', 'frame.comment'];
    expect(await tshark(file, ...fields)).toEqual([
      ['1700000000.123456789', 'lan', '42', '42', 'dropped: loss 10%'],
      ['1700000000.123456790', 'wän', '101', '101', ''],
      ['1700000000.123456791', 'lan', '60', '101', ''],
    ]);
  });

  it('keeps it in memory, the same bytes', async () => {
    const write = (writer: PcapngWriter) => {
      const id = writer.addInterface('vde0');
      for (let i = 0; i < 5000; i++)
        writer.writeFrame(id, greeting(1, 'y'.repeat(i % 200)), { time: time + BigInt(i) });
      return writer;
    };
    const chunks: Buffer[] = [];
    const stream = new PassThrough().on('data', (chunk) => chunks.push(chunk));
    await write(new PcapngWriter(stream)).end();
    const memory = write(new PcapngWriter());
    await memory.flush();
    expect(memory.toBuffer().equals(Buffer.concat(chunks))).toBe(true);
  });

  it('has written all once it has ended, for whoever waits for that', async () => {
    let isWritten = false;
    const slow = new Writable({
      write: (_chunk, _encoding, done) =>
        setTimeout(() => {
          isWritten = true;
          done();
        }, 20),
    });
    const writer = new PcapngWriter(slow);
    const first = writer.end();
    await writer.end();
    expect(isWritten).toBe(true);
    await first;
  });

  it('reports what its stream says', async () => {
    const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error('disk full')) });
    const writer = new PcapngWriter(full);
    writer.addInterface('vde0');
    await expect(writer.end()).rejects.toThrow('disk full');
    await expect(PcapngWriter.toFile('/nowhere/file')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('refuses what makes no sense', () => {
    const writer = new PcapngWriter();
    const id = writer.addInterface('vde0');
    const refused = expect.objectContaining({ code: expect.stringMatching(/^ERR_(INVALID_ARG|OUT_OF)/) });
    const frame = greeting(1, 'x');
    expect(() => new PcapngWriter('file' as never)).toThrow(refused);
    expect(() => writer.addInterface(5 as never)).toThrow(refused);
    expect(() => writer.addInterface('x', { snaplen: -1 })).toThrow(refused);
    expect(() => writer.writeFrame(id + 1, frame)).toThrow(refused);
    expect(() => writer.writeFrame(id, 'x' as never)).toThrow(refused);
    expect(() => writer.writeFrame(id, frame, { time: 5 as never })).toThrow(refused);
    expect(() => writer.writeFrame(id, frame, { comment: 'x'.repeat(70_000) })).toThrow(refused);
    expect(() => writer.writeFrame(id, frame, { direction: 'up' as never })).toThrow(refused);
  });
});

describe('capturePort', () => {
  it('hears all on a hub, and says it as tcpdump does', async () => {
    const sw = await SwitchProcess.start(dir, '--hub');
    const stacks = networkOn(sw.vnl);
    const file = join(dir, 'heard.pcapng');
    const lines: string[] = [];
    const capture = await capturePort(sw.vnl, file, {
      name: 'hub',
      onFrame: (frame) => lines.push(describeFrame(frame)),
    });
    const [a, b] = stacks as [Stack, Stack];
    const [from, to] = [b.socket(AF_INET, SOCK_DGRAM), a.socket(AF_INET, SOCK_DGRAM)];
    to.bind(['10.0.0.1', 5000]);
    await from.sendto('datagram', ['10.0.0.1', 5000]);
    expect((await to.recv(100)).toString()).toBe('datagram');
    const listener = a.socket(AF_INET6);
    listener.bind(['fd00::1', 5001]);
    listener.listen();
    const client = b.socket(AF_INET6);
    await client.connect(['fd00::1', 5001]);
    const [server] = await listener.accept();
    await client.sendall('stream');
    expect((await server.recv(100)).toString()).toBe('stream');
    const refused = b.socket();
    await expect(refused.connect(['10.0.0.1', 9])).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    for (const socket of [from, to, listener, client, server, refused]) socket.close();
    // what is sent after all of it tells when all of it was heard
    await using port = await VdePort.open(sw.vnl);
    await port.send(greeting(9, 'the end'));
    while (!lines.some((line) => line.includes('0x88b5'))) await new Promise((next) => setTimeout(next, 5));
    await capture.stop();
    await capture.stop();
    expect(capture.frames).toBe(lines.length);
    expect(capture.toBuffer()).toHaveLength(0);
    for (const stack of stacks) await stack.close();
    await port.close();
    await sw.stop();
    rmSync(sw.path, { recursive: true, force: true });
    const expected = (await tcpdump(file, '-t', '-S')).map(withoutDetails);
    expect(lines.filter(isOfTest).map(withoutDetails)).toEqual(expected.filter(isOfTest));
    expect(lines.filter(isOfTest)).toEqual(
      expect.arrayContaining([
        'ARP, Request who-has 10.0.0.1 tell 10.0.0.2, length 28',
        expect.stringMatching(/^IP 10\.0\.0\.2\.\d+ > 10\.0\.0\.1\.5000: UDP, length 8$/),
        expect.stringMatching(/^IP6 fd00::2\.\d+ > fd00::1\.5001: Flags \[S\], seq \d+, win \d+, length 0$/),
        expect.stringMatching(/^IP 10\.0\.0\.1\.9 > 10\.0\.0\.2\.\d+: Flags \[R\.\]/),
      ]),
    );
  });

  it('writes several ports into one capture, filtered, in memory', async () => {
    const writer = new PcapngWriter();
    await using a = await VdePort.open(`hub://${dir}/one`);
    await using b = await VdePort.open(`vde://${dir}/one`);
    const first = await capturePort(a, writer, { name: 'a', filter: (frame) => frame.length > 20 });
    const second = await capturePort(b, writer, { name: 'b', snaplen: 14 });
    await a.send(greeting(1, 'from a'));
    await b.send(greeting(2, 'from b'));
    await b.send(greeting(2, 'a longer one from b'));
    while (first.frames < 1 || second.frames < 1) await new Promise((next) => setTimeout(next, 5));
    await first.stop();
    await second.stop();
    expect([first.frames, first.bytes, second.frames]).toEqual([1, 33, 1]);
    expect([a.closed, b.closed]).toEqual([false, false]);
    expect(first.toBuffer().length).toBeGreaterThan(100);
  });

  it('ends with its network, and with what its target says', async () => {
    const node = await VdePort.open(`hub://${dir}/two`);
    const capture = await capturePort(`vde://${dir}/two`);
    const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error('disk full')) });
    const failing = await capturePort(`vde://${dir}/two`, full);
    await node.send(greeting(1, 'x'));
    await expect(failing.done).rejects.toThrow('disk full');
    await expect(failing.stop()).rejects.toThrow('disk full');
    await node.close();
    await capture.done;
    expect(capture.frames).toBe(1);
  });

  it('refuses what makes no sense', async () => {
    const refused = { code: expect.stringMatching(/^ERR_(INVALID_ARG|OUT_OF)/) };
    await expect(capturePort(5 as never)).rejects.toMatchObject(refused);
    await expect(capturePort('null://', 5 as never)).rejects.toMatchObject(refused);
    await expect(capturePort('null://', undefined, { snaplen: -1 })).rejects.toMatchObject(refused);
    await expect(capturePort('null://', undefined, { onFrame: 1 as never })).rejects.toMatchObject(refused);
    await expect(capturePort('null://', '/nowhere/file')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(capturePort('vde:///nowhere', join(dir, 'unused'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(readdirSync(dir)).not.toContain('unused');
    const file = join(dir, 'long-name');
    await expect(capturePort('null://', file, { name: 'x'.repeat(70_000) })).rejects.toMatchObject(refused);
    expect(openDescriptors().filter((descriptor) => descriptor.endsWith(file))).toEqual([]);
  });
});

describe('describeFrame', () => {
  const ipv4 = (protocol: number, payload: string) =>
    `4500${(20 + payload.length / 2).toString(16).padStart(4, '0')}0001000040${protocol.toString(16).padStart(2, '0')}00000a0000010a000002${payload}`;

  it.each([
    [
      0x0806,
      '00010800060400020200000000010a0000010200000000020a000002',
      'ARP, Reply 10.0.0.1 is-at 02:00:00:00:00:01, length 28',
    ],
    [0x0800, ipv4(1, '0800000000070003'), 'IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 3, length 8'],
    [0x0800, ipv4(132, '00'), 'IP 10.0.0.1 > 10.0.0.2: proto 132, length 1'],
    [0x8100, `60050800${ipv4(17, '03e807d000080000')}`, 'vlan 5, p 3, IP 10.0.0.1.1000 > 10.0.0.2.2000: UDP, length 0'],
    [0x88cc, '0102', '02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype 0x88cc, length 16'],
    [0x0800, '4500', '02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, truncated, length 16'],
  ])('says what 0x%s is', (type, data, text) => {
    expect(describeFrame(frameOf(BROADCAST, macOf(1), type, Buffer.from(data, 'hex')))).toBe(text);
  });

  /** A header of TCP with a flag ACK, whose length is so many words. */
  const tcp = (words: number) => `03e800500000000100000000${words.toString(16)}01001f400000000`;
  const ipv6 = (next: number, payload: string) =>
    `60000000${(payload.length / 2).toString(16).padStart(4, '0')}${next.toString(16).padStart(2, '0')}40${'fd'.padEnd(30, '0')}01${'fd'.padEnd(30, '0')}02${payload}`;
  const THOUSAND = '61'.repeat(1000);

  it.each([
    [0x0800, ipv4(6, tcp(15)), 'IP 10.0.0.1.1000 > 10.0.0.2.80: Flags [.] [bad hdr length 60 - too long, > 20]'],
    [0x0800, ipv4(6, tcp(2)), 'IP 10.0.0.1.1000 > 10.0.0.2.80: tcp 12 [bad hdr length 8 - too short, < 20]'],
    [0x0800, ipv4(17, '03e807d000000000'), 'IP 10.0.0.1.1000 > 10.0.0.2.2000: truncated-udplength 0'],
    [0x0800, ipv4(17, '03e807d00008'), 'IP 10.0.0.1.1000 > 10.0.0.2.2000: truncated-udp 6'],
    [0x0800, ipv4(6, tcp(5)).replace('45', '42'), 'IP bad-hlen 8'],
    [0x0800, ipv4(6, tcp(5)).replace('45', '4f'), 'IP bad-len 40'],
    [0x0800, ipv6(6, tcp(5)), 'IP6, wrong link-layer encapsulation (invalid)'],
    [0x0800, ipv4(6, tcp(5)).replace('45', '55'), 'IP5 (invalid)'],
    [0x86dd, ipv4(6, tcp(5)), 'IP6 version error: 4 != 6'],
    // an extension header, and a header of a fragment, that are longer than the packet
    [0x86dd, ipv6(60, '8401000000000000'), '02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, truncated, length 62'],
    [0x86dd, ipv6(44, '84000008'), '02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, truncated, length 58'],
  ])('says of a header that cannot be what tcpdump says, or that it is truncated: %#', (type, data, text) => {
    expect(describeFrame(frameOf(BROADCAST, macOf(1), type, Buffer.from(data, 'hex')))).toBe(text);
  });

  it.each([
    [
      0x0800,
      ipv4(6, tcp(5) + THOUSAND),
      'IP 10.0.0.1.1000 > 10.0.0.2.80: Flags [.], seq 1:1001, ack 0, win 500, length 1000',
    ],
    [
      0x0800,
      ipv4(1, `0800000000070003${THOUSAND}`),
      'IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 3, length 1008',
    ],
    [0x0800, ipv4(132, THOUSAND), 'IP 10.0.0.1 > 10.0.0.2: proto 132, length 1000'],
    [
      0x86dd,
      ipv6(6, tcp(5) + THOUSAND),
      'IP6 fd00::1.1000 > fd00::2.80: Flags [.], seq 1:1001, ack 0, win 500, length 1000',
    ],
    [0x86dd, ipv6(44, `1100010000000001${THOUSAND}`), 'IP6 fd00::1 > fd00::2: fragment at 256, length 1000'],
  ])('has the lengths of the header of IP where a frame was cut: %#', (type, data, text) => {
    const frame = frameOf(BROADCAST, macOf(1), type, Buffer.from(data, 'hex'));
    expect([describeFrame(frame), describeFrame(frame.subarray(0, 100))]).toEqual([text, text]);
  });

  it('bears any bytes', () => {
    const ip = [0x800, 0x86dd, 0x8100].map((type) => frameOf(BROADCAST, macOf(1), type, Buffer.alloc(60, 0x45)));
    fuzz([arpRequest(1, 2), ...ip], describeFrame);
    expect(() => describeFrame('x' as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  });
});

/** Two stacks that join a switch of somebody else. */
function networkOn(vnl: string): Stack[] {
  return [1, 2].map((number) => {
    const stack = new Stack('vdestack', vnl);
    configure(stack, number);
    return stack;
  });
}

/** Neither what the kernels say by themselves when an interface comes up, nor what no reader decodes. */
function isOfTest(line: string): boolean {
  return /^(ARP|IP 10|IP6 fd00)/.test(line) && !/ICMP6/.test(line);
}

/** What tcpdump says of a TCP segment's options and checksums, and we do not. */
function withoutDetails(line: string): string {
  return line.replace(/, options \[.*?\]/, '').replace(/(ARP.*) \([0-9a-f:]+\)( tell)/, '$1$2');
}
