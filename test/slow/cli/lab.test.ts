import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Child } from '../../support/child.js';
import { buildCli, ioth, iothAtTerminal, startIoth } from '../../support/cli.js';
import { useDirectory } from '../../support/directory.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { canHaveOwnNames } from '../../support/own-names.js';
import { childOf } from '../../support/processes.js';
import { until } from '../../support/until.js';

/* `ioth lab`, by a person at a terminal (script(1) has the pseudo-terminal, what is written to it is typed) and as a script. */

const TAB = '\t';
const UP = '\u001b[A';
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

const CONFIG = {
  networks: { lan: '10.0.0.0/24', wan: '10.1.0.0/24', private: '192.168.1.0/24' },
  hosts: {
    alice: 'lan',
    bob: 'lan',
    gate: ['lan', 'wan'],
    phone: { networks: ['lan', 'wan'], roams: true },
    fritz: { networks: ['private', 'wan'], nat: 'home' },
    inside: 'private',
  },
};

beforeAll(buildCli);

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
const directory = useDirectory();
const pathOf = (name: string) => join(directory.path, name);
const sessions: Child[] = [];
afterEach(async () => {
  // those of a test that failed
  await Promise.all(sessions.splice(0).map((session) => session.stop()));
  await expectNothingLeft(before);
});

/** Writes the configuration. Its path is in the command line of all daemons: useDirectory sees those that are left. */
function writeConfig(config: unknown = CONFIG): string {
  const file = pathOf('net.json');
  writeFileSync(file, JSON.stringify(config));
  return file;
}

/** The lab has its temporary files here, and leaves none. */
function temporaryFiles(): string {
  const path = pathOf('tmp');
  mkdirSync(path, { recursive: true });
  return path;
}

const environment = () => ({
  TMPDIR: temporaryFiles(),
  XDG_STATE_HOME: pathOf('state'),
  NO_COLOR: '1',
  SHELL: '/bin/sh',
  PS1: 'shell> ',
});

/** A lab at a terminal that shows its prompt. */
async function openLab(...args: string[]): Promise<Child> {
  const session = iothAtTerminal(['lab', ...args], environment());
  sessions.push(session);
  await session.says('lab> ');
  return session;
}

/** Types text, and waits until a prompt, or `after`, stands behind what it brings. That must not be in the text. */
async function type(session: Child, text: string, said: string, after = 'lab> '): Promise<void> {
  const from = session.stdout.length;
  session.write(text);
  await until(`'${text}' says '${said}': ${session}`, () => {
    const output = session.stdout.slice(from);
    return output.includes(said) && output.includes(after, output.indexOf(said) + said.length);
  });
}

/** Types a line, and waits as {@link type} does. */
function enter(session: Child, line: string, said = '\n', after?: string): Promise<void> {
  return type(session, `${line}\r`, said, after);
}

async function expectEnd(session: Child, end = 0): Promise<void> {
  expect((await session.exit).code).toBe(end);
  expect(readdirSync(temporaryFiles())).toEqual([]);
}

describe('at a terminal', () => {
  it('the drawing, a program with names, a shell, a server in the background, Ctrl-D', async () => {
    writeFileSync(
      pathOf('server.js'),
      "require('http').createServer((_, answer) => answer.end('he' + 'llo')).listen(80, () => console.log('it list' + 'ens'))",
    );
    const session = await openLab(writeConfig());
    expect(session.stdout).toContain('├─ gate    10.0.0.3  routes to wan');
    const [alice, bob] = canHaveOwnNames() ? ['alice', 'bob'] : ['10.0.0.1', '10.0.0.2'];
    await enter(session, `alice ping -c 1 ${bob}`, '1 received');
    await enter(session, `bob ${process.execPath} ${pathOf('server.js')} &`, 'it listens', '');
    await enter(session, `alice curl -sS --noproxy '*' http://${bob}/ | tr a-z A-Z`, 'HELLO');
    await enter(session, 'alice', '', 'shell> ');
    await enter(session, "ip -br addr show lan | tr -s ' '", '10.0.0.1/24', 'shell> ');
    await enter(session, 'exit');
    await enter(session, `exec bob ping -c 1 ${alice}`, '1 received');
    session.write(CTRL_D);
    await expectEnd(session);
  });

  it('faults, cuts, cables, the place of a host', async () => {
    const session = await openLab(writeConfig());
    const links = (text: string) => enter(session, 'links', text);
    await enter(session, 'set lan delay=50 loss=0.01 queue=7 rate=1gbit');
    await links('lan 10.0.0.0/24 delay=50 loss=0.01 queue=7 rate=1gbit');
    await enter(session, 'set lan loss=12.5%');
    await links('lan 10.0.0.0/24 loss=0.125');
    await enter(session, 'set lan delay=9 from=alice to=bob,gate');
    await links('│  from alice to bob gate: delay=9');
    await enter(session, 'set lan profile=4g up=bob');
    await links('│  up bob: profile=4g');
    await enter(session, 'reset lan; cut alice bob; cut lan from=gate');
    await links('│  cut: from gate');
    await enter(session, 'heal; partition alice,bob gate');
    await links('│  partition: alice bob | gate | phone');
    await enter(session, 'heal lan; heal; down gate bob');
    await links('└─ phone   10.0.0.4  roams');
    expect(session.stdout).toContain('bob     10.0.0.2  down');
    await enter(session, 'up bob; restart alice');
    await enter(session, 'pingall -w 60 alice bob', '2 pings, 2 answers');
    await enter(session, 'pingall -w 0.2 bob gate', '2 pings, 0 answers');
    await enter(session, 'move phone wan', 'phone is 10.1.0.2');
    await links('phone   10.1.0.2  roams');
    session.write('.exit\r');
    await expectEnd(session);
  });

  it('NAT, counts, captures, frames', async () => {
    const session = await openLab(writeConfig());
    await enter(session, 'nat', 'fritz: home, private → wan 10.1.0.');
    await enter(session, 'pingall -w 60 inside fritz', '2 pings, 2 answers');
    await enter(session, 'inside ping -c 1 -q 10.1.0.1; nat fritz', 'icmp      192.168.1.2:');
    await enter(session, 'nat fritz symmetric; nat', 'fritz: symmetric');
    await enter(session, 'nat fritz flush; nat fritz; pingall -w 60 alice bob', '2 pings, 2 answers');
    await enter(session, 'stats lan', 'dropped and changed');
    expect(session.stdout).toMatch(/\r\nalice +\d+ +\d+ +\d+ +\d+/);
    await enter(session, `capture lan ${pathOf('lan.pcapng')}; capture`, 'lan: 0 frames in ');
    await enter(session, 'alice ping -c 1 10.0.0.2; capture lan', 'lan: ');
    await session.says(` frames in ${pathOf('lan.pcapng')}`, 2);
    expect(statSync(pathOf('lan.pcapng')).size).toBeGreaterThan(200);
    await enter(session, 'alice sh -c "while ping -c 1 10.0.0.2 || true; do sleep 0.1; done" >/dev/null &');
    await enter(session, 'dump -c 2 bob icmp', 'lan alice: IP 10.0.0.1 > 10.0.0.2: ICMP echo request');
    await enter(session, 'cut alice bob; dump -c 1 lan arp', 'dropped: cut]');
    expect(session.stdout).toMatch(/ {2}protocol +inside +outside +ends in +peers\r\n {2}icmp +192\.168\.1\.2:/);
    session.write(CTRL_D);
    await expectEnd(session);
  });

  it('frames of several networks in the order of their times, with their TTLs', async () => {
    const session = await openLab('-t', 'line=4');
    await enter(session, 'pingall -w 60 alice dave', '2 pings, 2 answers');
    await enter(session, 'alice ping -i 0.2 dave >/dev/null &');
    const whole = [
      'alice request 64',
      'bob request 63',
      'carol request 62',
      'dave reply 64',
      'carol reply 63',
      'bob reply 62',
    ];
    // where a process stands still, a frame comes too late for its place, and no ping may be there as a whole
    await until('frames are in order, and pings whole', async () => {
      const from = session.stdout.length;
      await enter(session, 'dump -v -c 30 icmp', ', ttl ');
      const shown = session.stdout.slice(from);
      const lines = [...shown.matchAll(/^(\d\S+) \w+ (\w+): IP .* (\w+), id .*, seq (\d+), .*, ttl (\d+)\r$/gm)];
      expect(lines).toHaveLength(30);
      const times = lines.map(([, time]) => time);
      if (!isDeepStrictEqual(times, times.toSorted())) return false;
      const numbers = [...new Set(lines.map(([, , , , seq]) => seq))];
      const pings = numbers.map((number) =>
        lines.filter(([, , , , seq]) => seq === number).map(([, , host, what, , ttl]) => `${host} ${what} ${ttl}`),
      );
      const wholePings = pings.filter(({ length }) => length === whole.length);
      for (const ping of wholePings) expect(ping).toEqual(whole);
      return wholePings.length > 0;
    });
    await enter(session, 'dump arp &', 'dump stays in front: first start a program with &');
    session.write('exit\r');
    await expectEnd(session);
  });

  it('chosen packets', async () => {
    const session = await openLab('-t', 'star=2');
    await enter(session, 'intercept lan drop from=alice icmp=echo-request times=1');
    await enter(session, 'alice ping -c 1 -W 0.2 bob', '1 packets transmitted, 0 received');
    await enter(session, 'intercept lan delay=30 icmp=echo-reply; alice ping -c 1 bob', '1 received');
    await enter(session, 'intercept', 'lan drop from=alice icmp=echo-request times=1: 1 frame\r\n');
    expect(session.stdout).toContain('lan delay=30 icmp=echo-reply: 1 frame\r\n');
    await enter(session, 'intercept lan stop; intercept lan stop', 'there is no intercept on lan');
    await enter(session, 'intercept lan', 'one action must follow lan: drop, duplicate');
    await enter(session, 'intercept lan drop flag=SYN', "there is no match 'flag': did you mean 'flags'?");
    await enter(session, 'intercept lan drop flags=SIN', "match.flags must be flags of TCP such as 'SYN'");
    session.write('exit\r');
    await expectEnd(session);
  });

  it('iperf: a line a second', async () => {
    const session = await openLab('-t', 'star=2');
    await enter(session, 'set lan rate=20mbit; iperf -t 2 alice bob', '\nall 0.0-');
    expect(session.stdout).toMatch(
      /\n0\.0-\d\.\d s +[\d.]+ [kM]B +[\d.]+ [kM]bit\/s\r\n\d\.\d-\d\.\d s .*\r\nall 0\.0-\d\.\d s/,
    );
    await enter(session, 'set lan loss=0.5; iperf -u -b 500kbit -t 2 bob alice', '\nall 0.0-');
    expect(session.stdout).toMatch(/all .*bit\/s +\d+ of \d+ lost/);
    await enter(session, 'cut alice bob; iperf -u -t 1 alice bob', 'nothing from alice arrived at bob');
    session.write(CTRL_D);
    await expectEnd(session);
  });

  it('Tab completes commands, hosts and networks; lines are remembered, for their user alone', async () => {
    const first = await openLab('-t', 'star=2');
    // what comes at once is pasted, not typed: nothing is completed
    for (const [typed, shown] of [
      ['pin', 'pin'],
      [TAB, 'gall '],
      ['al', 'al'],
      [TAB, 'ice '],
      ['bo', 'bo'],
      [TAB, 'b '],
      ['-w 60', '-w 60'],
    ] as const) {
      await type(first, typed, shown, '');
    }
    await enter(first, '', '2 pings, 2 answers');
    first.write(CTRL_D);
    await expectEnd(first);
    const file = pathOf('state/ioth/lab_history');
    expect(readFileSync(file, 'utf8')).toBe('pingall alice bob -w 60\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const second = await openLab('-t', 'star=2');
    second.write(UP);
    await second.says('pingall alice bob -w 60');
    await enter(second, '', '2 pings, 2 answers');
    second.write(CTRL_D);
    await expectEnd(second);
  });

  it('Ctrl-C ends what is in front, then a line, and asks once before the lab', async () => {
    const session = await openLab('-t', 'star=2');
    const interrupt = async (line: string, seen: string, said: string) => {
      await enter(session, line, seen, '');
      await type(session, CTRL_C, said);
    };
    await interrupt('alice ping 10.0.0.2', 'icmp_seq=1', 'packets transmitted');
    await interrupt('iperf -t 100 alice bob; links', 'bit/s', 'all 0.0-');
    await enter(session, 'alice ping -i 0.2 10.0.0.2 >/dev/null &');
    await interrupt('dump', 'ICMP', '');
    await type(session, 'not meant', 'not meant', '');
    session.write(CTRL_C);
    await enter(session, 'links', 'alice  10.0.0.1');
    await type(session, CTRL_C, 'press Ctrl-C again to end the lab');
    // what was asked is forgotten
    await enter(session, 'links', 'alice  10.0.0.1');
    await type(session, CTRL_C, 'press Ctrl-C again to end the lab');
    session.write(CTRL_C);
    await expectEnd(session);
    expect(session.stdout.split('├─ alice').length - 1).toBe(3);
  });

  it('a signal of Ctrl-C that comes late, when the prompt is there again, does not end the lab', async () => {
    const session = await openLab('-t', 'star=2');
    process.kill(childOf(session.pid), 'SIGINT');
    await enter(session, 'links', 'alice  10.0.0.1');
    session.write(CTRL_D);
    await expectEnd(session);
  });

  it('a mistake is explained, and the session goes on', async () => {
    const session = await openLab(writeConfig());
    await enter(session, 'pingal', "there is no command or host 'pingal': did you mean 'pingall'?");
    await enter(session, 'down charlie', "there is no host 'charlie' (alice, bob, gate");
    await enter(session, 'set lam delay=5', "there is no network 'lam': did you mean 'lan'? (lan, wan, private)");
    await enter(session, 'set lan delay=5ms', "faults.delay must be a number of milliseconds, not '5ms'");
    await enter(session, 'set lan loss=2', 'faults.loss must be a probability, from 0 to 1, not 2');
    await enter(session, 'set lan 5', "'5' must be FAULT=VALUE");
    await enter(session, 'cut alice', 'cut takes [NETWORK] HOSTS HOSTS | WAY');
    await enter(session, 'cut alice inside', "'alice' must be on a network of 'inside'");
    await enter(session, 'move alice wan', 'must be one that roams');
    await enter(session, 'nat alice', "host 'alice' has no NAT");
    await enter(session, 'nat fritz symetric', "there is no kind of NAT 'symetric': did you mean 'symmetric'? (");
    await enter(session, 'nat fritz conic', "there is no kind of NAT 'conic' (full-cone, restricted-cone, ");
    await enter(session, 'dump nobody', "the filter has 'nobody'");
    await enter(session, 'dump -c 1.5', "--count must be a whole number, 1 or more, not '1.5'");
    await enter(session, 'iperf -t x alice bob', "--time must be a whole number, from 1 to 3600, not 'x'");
    await enter(session, 'iperf -t 1.5 alice bob', "--time must be a whole number, from 1 to 3600, not '1.5'");
    await enter(session, 'capture lan', 'the frames of lan are not captured');
    await enter(session, 'capture lan /nonexistent/x', 'ENOENT');
    await enter(session, 'links now', "too many arguments, from 'now' on: links");
    await enter(session, "alice echo 'x", "the quote ' has no end");
    await enter(session, 'no\u001b[2Jthing', "there is no command or host 'no\\027[2Jthing'".slice(0, 30));
    await enter(session, '.help set', 'Usage: set NETWORK [FAULT=VALUE …] [WAY]');
    await enter(session, '.help', 'ends the lab, as Ctrl-D does');
    session.write('exit\r');
    await expectEnd(session);
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends the program in front, and the lab', async (signal, code) => {
    const session = await openLab(writeConfig());
    await enter(
      session,
      "alice sh -c 'trap true TERM HUP; echo it wai''ts; while :; do sleep 0.1; done'",
      'it waits',
      '',
    );
    process.kill(childOf(session.pid), signal);
    await expectEnd(session, code);
  });
});

describe('as a script', () => {
  const lab = (args: readonly string[], input?: string) => ioth(['lab', ...args], { input, env: environment() });

  it('--exec: its lines, and nothing else', async () => {
    const outcome = await lab(
      ['-t', 'star=2', '--exec', 'pingall -w 60; alice echo a b; links; exec bob cat'],
      'typed',
    );
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/^from .*\n2 pings, 2 answers\na b\nlan 10.*10\.0\.0\.2\ntyped$/s);
    expect(readdirSync(temporaryFiles())).toEqual([]);
  });

  it('standard input: programs do not read it', async () => {
    const input =
      '# a script\n\nalice echo one\nalice cat # nothing\nset lan delay=1; links\n.exit\nalice echo never\n';
    const outcome = await lab(['-t', 'star=2'], input);
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/^one\nlan 10\.0\.0\.0\/24 delay=1\n.*10\.0\.0\.2\n$/s);
  });

  it.each([
    ['a program that fails', 'links\nalice sh -c "exit 7"\nlinks', 7, 'line 2: alice sh -c "exit 7": exit code 7'],
    ['a program that is killed', "alice sh -c 'kill -9 $$'", 137, 'exit code 137'],
    ['a program that is missing', 'alice no-such-program', 127, 'line 1: alice no-such-program: exit code 127'],
    ['no answer', 'cut alice bob\n\npingall -w 0.2', 1, 'line 3: pingall -w 0.2: exit code 1'],
    [
      'a misspelt command',
      'links; pingal',
      2,
      "line 1: pingal: there is no command or host 'pingal': did you mean 'pingall'?",
    ],
    ['a wrong fault', 'set lan dely=5', 2, "line 1: set lan dely=5: there is no fault 'dely': did you mean 'delay'?"],
    ['a shell', 'alice', 2, "line 1: alice: 'alice' needs a program in a script"],
    ['an open quote', "links 'x", 2, "line 1: links 'x: the quote ' has no end"],
  ])('%s ends it: exit code %s', async (_what, input, code, message) => {
    const outcome = await lab(['-t', 'star=2'], `${input}\nalice echo never\n`);
    expect(outcome).toMatchObject({
      code,
      stderr: expect.stringContaining(`ioth lab: ${message.startsWith('line') ? message : ''}`),
    });
    expect(outcome.stderr).toContain(message);
    expect(outcome.stdout).not.toContain('never');
    expect(readdirSync(temporaryFiles())).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('%s ends the program, and the lab', async (signal) => {
    const exec = "alice sh -c 'echo ready; exec sleep 60'; alice echo never";
    const running = startIoth(['lab', writeConfig(), '-e', exec], { env: environment() });
    await running.says('ready');
    running.kill(signal);
    expect(await running.exit).toEqual({
      code: signal === 'SIGINT' ? 130 : 143,
      stdout: 'ready\n',
      stderr: expect.anything(),
    });
    expect(readdirSync(temporaryFiles())).toEqual([]);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends the wait for a line of standard input, and the lab', async (signal, code) => {
    const running = startIoth(['lab', writeConfig()], { env: environment() });
    running.write('links\n');
    await running.says('└─ inside');
    running.kill(signal);
    expect(await running.exit).toMatchObject({ code, stderr: '' });
    expect(readdirSync(temporaryFiles())).toEqual([]);
  });

  it('--web: a page at a URL, until the lab ends', async () => {
    const exec = 'alice sh -c "echo ready; exec sleep 60"';
    for (const args of [
      ['-t', 'star=2', '--web'],
      ['--web', writeConfig()],
    ]) {
      const running = startIoth(['lab', ...args, '-e', exec], { env: environment() });
      await running.says('ready');
      const [, url = ''] = /^page: (http:\/\/127\.0\.0\.1:\d+\/\?token=\S+)\n/.exec(running.stdout) ?? [];
      const get = (address: string) => fetch(address, { headers: { connection: 'close' } });
      expect(await get(url).then((answer) => answer.text())).toContain('<title>ioth lab</title>');
      expect((await get(url.replace(/=.*/, '=x'))).status).toBe(403);
      running.kill('SIGTERM');
      expect((await running.exit).code).toBe(143);
      await expect(get(url)).rejects.toThrow();
    }
    const wrong = await lab(['-t', 'star=2', '--web', '70000']);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('the port must be a number') });
    expect(readdirSync(temporaryFiles())).toEqual([]);
  });

  it('a ring, a tree and NATs work', async () => {
    for (const topology of ['ring=4', 'tree=2,2', 'line=3']) {
      expect(await lab(['-t', topology, '-e', 'pingall -w 60'])).toMatchObject({ code: 0, stderr: '' });
    }
    const nat = await lab([
      '-t',
      'nat',
      '-e',
      'pingall -w 60 alice home-nat; pingall -w 60 bob office-nat; alice ping -c 1 -W 60 203.0.113.1',
    ]);
    expect(nat).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('the configuration', () => {
  const links = async (name: string, text: string, cwd = directory.path) => {
    writeFileSync(pathOf(name), text);
    return ioth(['lab', pathOf(name), '-e', 'links'], { env: environment(), cwd });
  };
  const drawn = { code: 0, stdout: 'lan 10.0.0.0/24 delay=5\n└─ alice  10.0.0.1\n', stderr: '' };
  const YAML = 'networks:\n  lan: { prefix: 10.0.0.0/24, delay: 5 }\nhosts:\n  alice: lan\n';
  const OBJECT = "{ networks: { lan: { prefix: '10.0.0.0/24', delay: 5 } }, hosts: { alice: 'lan' } }";

  it.each([
    [
      'net.json',
      JSON.stringify({
        $schema: './lab.schema.json',
        networks: { lan: { prefix: '10.0.0.0/24', delay: 5 } },
        hosts: { alice: 'lan' },
      }),
    ],
    ['net.mjs', `const config = await Promise.resolve(${OBJECT});\nexport default config;`],
    ['net.cjs', `module.exports = ${OBJECT};`],
  ])('%s', async (name, text) => {
    expect(await links(name, text)).toEqual(drawn);
  });

  it('YAML, by the package that is beside the file or beside ioth', async () => {
    expect(await links('net.yaml', YAML)).toEqual(drawn);
    expect(await links('bad.yml', 'networks: [')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('bad.yml: '),
    });
  });

  it('TypeScript, where Node runs it', async () => {
    const outcome = await links('net.ts', `const config: object = ${OBJECT};\nexport default config;`);
    const isThere = 'typescript' in process.features && Boolean(process.features.typescript);
    if (isThere) expect(outcome).toMatchObject({ code: 0, stdout: drawn.stdout });
    else expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining('does not run TypeScript') });
  });

  it.each([
    ['nothing', [], 'needs either FILE or --topology'],
    ['no port', ['--web', 'abc', '-t', 'nat'], "'abc' is no port for --web, and there is no FILE beside --topology"],
    ['both', ['x.json', '-t', 'nat'], 'needs either FILE or --topology'],
    ['another kind of file', ['x.toml'], 'FILE must end in one of .json, .yaml, .yml, .js'],
    ['a misspelt topology', ['-t', 'sta=3'], "there is no topology 'sta': did you mean 'star'?"],
    ['an open quote', ['-t', 'star=2', '-e', "alice 'x"], "the quote ' has no end"],
  ])('%s is refused: exit code 2', async (_what, args, message) => {
    expect(await ioth(['lab', ...args])).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
  });

  it.each([
    ['no.json', undefined, 1, 'ENOENT'],
    ['text.json', 'networks', 2, 'text.json: '],
    ['list.json', '[]', 2, 'must have an object with networks and hosts'],
    [
      'host.json',
      '{"networks":{"lan":"10.0.0.0/24"},"hosts":{"a":"lna"}}',
      2,
      "host.json: config.hosts.a must be on existing networks (lan), not 'lna'",
    ],
    ['escape.json', '{"networks":{"lan":"10.0.0.0/24"},"hosts":{"\\u001b[2J":"lan"}}', 2, 'the name of a host must be'],
    ['throw.mjs', 'throw new Error("by itself")', 1, 'by itself'],
  ])('%s is refused', async (name, text, code, message) => {
    if (text !== undefined) writeFileSync(pathOf(name), text);
    const outcome = await ioth(['lab', pathOf(name), '-e', 'links']);
    expect(outcome).toEqual({ code, stdout: '', stderr: expect.stringContaining(message) });
    expect(outcome.stderr).not.toContain('\u001b');
  });
});
