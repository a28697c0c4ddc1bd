import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildCli, ioth, iothAtTerminal, iothInto, startIoth } from '../../support/cli.js';
import { workDirectory } from '../../support/directory.js';
import { useNetwork } from '../../support/network.js';
import { canHaveOwnNames } from '../../support/own-names.js';
import { until } from '../../support/until.js';

/* `ioth exec` and `ioth ping`, beside a stack of the tests' own: 10.0.0.1. */

beforeAll(buildCli);

const { dir, remove } = workDirectory();
afterAll(remove);

const lan = useNetwork(1, 'test');

const config = (number: number) => `${lan.vnl},eth,ip=10.0.0.${number}/24,ip=fd00::${number}/64`;

describe('ioth exec', () => {
  it('curl, from the stack', async () => {
    const server = lan.stacks[0]!.http.createServer((request, response) => {
      response.end(`hello ${request.socket.remoteAddress}`);
    });
    await new Promise<void>((done) => server.listen(80, '10.0.0.1', done));
    const outcome = await ioth(['exec', config(2), 'curl', '-sS', '--noproxy', '*', 'http://10.0.0.1/']);
    server.close();
    expect(outcome).toEqual({ code: 0, stdout: 'hello 10.0.0.2', stderr: '' });
  });

  it('its options, input, output and exit code are its own', async () => {
    const script = 'read line; echo "$line $1 $(ip -br -4 addr show vde0 | tr -s " ")"; exit 5';
    const outcome = await ioth(['exec', config(2), 'sh', '-c', script, 'sh', '--help'], { input: 'typed\n' });
    expect(outcome).toMatchObject({ code: 5, stderr: '' });
    expect(outcome.stdout).toMatch(/^typed --help vde0 (UP|UNKNOWN) 10\.0\.0\.2\/24/);
  });

  it('a program finds the name servers and domains of the stack', async () => {
    if (!canHaveOwnNames()) return;
    const named = `${config(2)},dns=10.0.0.1,domain=example.org`;
    const outcome = await ioth(['exec', named, 'cat', '/etc/resolv.conf']);
    expect(outcome).toEqual({ code: 0, stdout: 'search example.org\nnameserver 10.0.0.1\n', stderr: '' });
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('%s reaches the program', async (signal) => {
    const script = `trap 'echo caught; exit 7' ${signal.slice(3)}; echo ready; while :; do sleep 0.05; done`;
    const running = startIoth(['exec', 'null://', 'sh', '-c', script]);
    await running.says('ready');
    running.kill(signal);
    expect(await running.exit).toEqual({ code: 7, stdout: 'ready\ncaught\n', stderr: '' });
  });

  it('Ctrl-C at a terminal ends the program, and the command with it', async () => {
    const running = iothAtTerminal(['exec', config(2), 'sh', '-c', 'echo ready; exec sleep 60']);
    await running.says('ready');
    running.write('\u0003');
    expect((await running.exit).code).toBe(130);
  });

  it('Ctrl-C that is known after the end of the program leaves the exit code to that', async () => {
    // what the program leaves behind is waited for
    const late = 'trap "" TERM; (sleep 0.5; kill -INT $PPID) & exit 3';
    expect((await iothAtTerminal(['exec', 'null://', 'sh', '-c', late]).exit).code).toBe(3);
  });

  it('the signal that ends the program ends the command', async () => {
    const outcome = await ioth(['exec', 'null://', 'sh', '-c', 'kill -TERM $$']);
    expect(outcome).toEqual({ code: 'SIGTERM', stdout: '', stderr: '' });
  });

  it.each([
    ['PIPE', 141],
    ['USR1', 138],
  ])('SIG%s, which does not end Node, is an exit code: %i', async (name, code) => {
    const outcome = await ioth(['exec', 'null://', 'sh', '-c', `kill -${name} $$`]);
    expect(outcome).toEqual({ code, stdout: '', stderr: '' });
  });

  it('a signal that an option of Node takes is one, too', async () => {
    const env = { NODE_OPTIONS: `--report-on-signal --report-directory=${dir}` };
    const outcome = await ioth(['exec', 'null://', 'sh', '-c', 'kill -USR2 $$'], { env });
    expect(outcome).toMatchObject({ code: 140, stdout: '' });
  });

  it('what the program left in the background ends too', async () => {
    const outcome = await ioth(['exec', config(2), 'sh', '-c', 'sleep 60 >/dev/null 2>&1 & echo started']);
    expect(outcome).toEqual({ code: 0, stdout: 'started\n', stderr: '' });
  });

  it.each([
    ['that is not there', 127, 'ENOENT', () => 'no-such-program'],
    ['that cannot be run', 126, 'EACCES', () => join(dir, 'file')],
  ])('a program %s: exit code %i', async (_what, code, message, pathOf) => {
    writeFileSync(join(dir, 'file'), '', { mode: 0o644 });
    const outcome = await ioth(['exec', config(2), pathOf()]);
    expect(outcome).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) });
  });
});

describe('ioth ping', () => {
  it.each(['10.0.0.1', 'fd00::1'])('the answers as they come, and the sum: %s', async (host) => {
    const options = ['-c', '2', '-i', '0.01', '-s', '100', '-w', '60'];
    const { code, stdout, stderr } = await ioth(['ping', ...options, config(2), host]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    for (const seq of [1, 2]) {
      expect(lines[seq - 1]).toMatch(new RegExp(`^108 bytes from ${host}: seq=${seq} ttl=64 time=\\d+\\.\\d{3} ms$`));
    }
    expect(lines[2]).toBe(`${host}: 2 sent, 2 received, 0% lost`);
    expect(lines[3]).toMatch(/^min\/avg\/max\/mdev = \d/);
  });

  it('--json', async () => {
    const { stdout } = await ioth(['ping', '--json', '-c', '1', '-w', '60', config(2), '10.0.0.1']);
    expect(JSON.parse(stdout)).toMatchObject({
      host: '10.0.0.1',
      received: 1,
      loss: 0,
      probes: [{ seq: 1, address: '10.0.0.1', time: expect.any(Number) }],
    });
  });

  it.each([
    [['-c', '1', '-w', '0.2'], '10.0.0.99', 1, '1 sent, 0 received, 100% lost'],
    [['-c', '1'], '10.9.9.9', 1, 'ENETUNREACH'],
    [['-c', 'all'], '10.0.0.1', 2, "--count must be a whole number, from 1 to 65535, not 'all'"],
    [['-c', '1.5'], '10.0.0.1', 2, "--count must be a whole number, from 1 to 65535, not '1.5'"],
    [['-s', '56.5'], '10.0.0.1', 2, "--size must be a whole number, from 0 to 65507, not '56.5'"],
    [['-t', '1.5'], '10.0.0.1', 2, "--ttl must be a whole number, from 1 to 255, not '1.5'"],
  ])('%j %s: exit code %i', async (options, host, code, message) => {
    const outcome = await ioth(['ping', ...options, config(2), host]);
    expect(outcome.code).toBe(code);
    expect(outcome.stdout + outcome.stderr).toContain(message);
  });

  it('Ctrl-C ends it', async () => {
    const running = startIoth(['ping', '-c', '1000', config(2), '10.0.0.1']);
    await running.says('seq=1');
    running.kill('SIGINT');
    expect(await running.exit).toMatchObject({ code: 130, stderr: '' });
  });
});

describe('ioth dump', () => {
  const arp = /^\d\d:\d\d:\d\d\.\d{6} ARP, Request who-has 10\.0\.0\.99 tell 10\.0\.0\.1, length 28$/m;

  /** Asks who has 10.0.0.99, which a switch sends to all. */
  async function broadcast(): Promise<void> {
    await lan.stacks[0]!.ping('10.0.0.99', { count: 1, timeout: 100 });
  }

  it('a line a frame, as it comes', async () => {
    const running = startIoth(['dump', lan.vnl]);
    await running.warns(`listening on ${lan.vnl}`);
    await broadcast();
    await running.says('who-has 10.0.0.99');
    running.kill('SIGINT');
    const { code, stdout } = await running.exit;
    expect(code).toBe(130);
    expect(stdout).toMatch(arp);
  });

  it('until so many came, whichever they are', async () => {
    const running = startIoth(['dump', '-c', '1', lan.vnl]);
    await running.warns(`listening on ${lan.vnl}`);
    await broadcast();
    const { code, stdout } = await running.exit;
    expect({ code, lines: stdout.trimEnd().split('\n').length }).toEqual({ code: 0, lines: 1 });
  });

  it.each([
    [['arp', 'and', 'dst', '10.0.0.99'], arp],
    [['--filter', 'arp and dst 10.0.0.99'], arp],
    [['not arp and (udp port 9 or icmp)'], /10\.0\.0\.1\.\d+ > 10\.0\.0\.255\.9: UDP/],
  ])('only what passes the filter, which -c counts: %j', async (filter, line) => {
    const running = startIoth(['dump', '-c', '1', lan.vnl, ...filter]);
    await running.warns(`listening on ${lan.vnl}`);
    const sender = lan.stacks[0]!.dgram.createSocket('udp4');
    await new Promise<void>((bound) => sender.bind(0, bound));
    sender.setBroadcast(true);
    await new Promise((sent) => sender.send('x', 8, '10.0.0.255', sent));
    await new Promise((sent) => sender.send('x', 9, '10.0.0.255', sent));
    await broadcast();
    const { code, stdout } = await running.exit;
    sender.close();
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(line) });
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  });

  it.each(['a file', 'standard output'])('pcapng, to %s', async (where) => {
    const file = join(dir, 'frames.pcapng');
    const running = startIoth(['dump', '-c', '1', '-w', where === 'a file' ? file : '-', lan.vnl]);
    await running.warns(`listening on ${lan.vnl}`);
    await broadcast();
    const { code, stdout, stderr } = await running.exit;
    expect({ code, stderr }).toEqual({ code: 0, stderr: `listening on ${lan.vnl}\n1 frames\n` });
    const written = where === 'a file' ? readFileSync(file, 'latin1') : stdout;
    // the section header block of the format, and the interface's name
    expect(written.startsWith('\n\r\r\n')).toBe(true);
    expect(written).toContain(lan.vnl);
  });

  it('tshark shows the frames as they come', async () => {
    const shows =
      'tshark -l -n -i - -Y "arp.dst.proto_ipv4 == 10.0.0.99" -T fields -e frame.protocols -e arp.dst.proto_ipv4';
    const running = iothInto(['dump', '-w', '-', lan.vnl], shows, { env: { HOME: dir } });
    await running.warns(`listening on ${lan.vnl}`);
    await running.warns('Capturing on');
    await until('it shows one', async () => {
      await broadcast();
      return running.stdout.includes('eth:ethertype:arp\t10.0.0.99\n');
    });
    running.killGroup('SIGINT');
    await running.exit;
    expect(await running.groupGone()).toEqual([]);
  });

  it('tcpdump filters what comes, with all of its language', async () => {
    const shows = "tcpdump -lnr - 'arp[24:4] = 0x0a000063'";
    const running = iothInto(['dump', '-w', '-', lan.vnl], shows, { env: { HOME: dir } });
    await running.warns(`listening on ${lan.vnl}`);
    await until('it shows one', async () => {
      await broadcast();
      return running.stdout.includes('Request who-has 10.0.0.99');
    });
    running.killGroup('SIGINT');
    await running.exit;
    expect(await running.groupGone()).toEqual([]);
  });

  it('Ctrl-C ends it, with what it heard', async () => {
    const running = startIoth(['dump', '-w', join(dir, 'none.pcapng'), lan.vnl]);
    await running.warns('listening');
    running.kill('SIGINT');
    expect(await running.exit).toMatchObject({ code: 130, stdout: '', stderr: expect.stringMatching(/\d frames\n$/) });
  });

  it.each([
    [['vde:///nowhere/sw'], 1, 'ENOENT'],
    [['null://', 'port', 'http'], 2, "the port must be a number from 0 to 65535, not 'http'"],
    [['null://', 'hots', '10.0.0.1'], 2, "the filter has 'hots': it takes arp,"],
    [['--filter', 'arp', 'null://', 'ip'], 2, 'the filter stands behind VNL or in --filter'],
    [['-c', '0', 'null://'], 2, "--count must be a whole number, 1 or more, not '0'"],
    [['-c', '1.5', 'null://'], 2, "--count must be a whole number, 1 or more, not '1.5'"],
    [['-s', '64.5', 'null://'], 2, "--snaplen must be a whole number, from 1 to 4294967295, not '64.5'"],
    [['-w', '/nowhere/file', 'null://'], 1, 'ENOENT'],
  ])('%j: exit code %i', async (args, code, message) => {
    expect(await ioth(['dump', ...args])).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) });
  });
});
