import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Stack } from '../../../lib/stack/stack.js';
import { buildCli, ioth, startIoth } from '../../support/cli.js';
import { workDirectory } from '../../support/directory.js';
import { useNetwork } from '../../support/network.js';
import { answerTo, ScriptedServer } from '../../support/scripted-server.js';

/* What others chose (names of processes, of DNS, of interfaces) moves no cursor and turns no text of a terminal. */

const EVIL = '\x1b[2J\x9b\x7f\u202e';
const SHOWN = '\\027[2J\\194\\155\\127\\226\\128\\174';
/** An interface's has 15 bytes. */
const NAME = '\x1b[2J';
/** Of terminals, but the newline. */
const UNPRINTABLE = /[^\P{C}\n]/u;

beforeAll(buildCli);
const lan = useNetwork(1);

it.each([[[]], [['--json']]])('ioth switch %j: the name of a process', async (options) => {
  const { dir, remove } = workDirectory();
  const comm = `/proc/${process.pid}/comm`;
  const before = readFileSync(comm);
  const running = startIoth(['switch', ...options, join(dir, 'sw')]);
  try {
    await running.says(join(dir, 'sw'));
    writeFileSync(comm, EVIL);
    const stack = new Stack('vdestack', `vde://${dir}/sw`);
    await running.says('joined');
    await stack.close();
    await running.says('left');
  } finally {
    writeFileSync(comm, before);
    running.kill('SIGINT');
  }
  const { stdout } = await running.exit;
  expect(stdout).not.toMatch(UNPRINTABLE);
  if (options.length === 0) expect(stdout).toContain(`(${SHOWN})`);
  else expect(JSON.parse(stdout.split('\n')[1] as string).command).toBe(EVIL);
  await remove();
});

describe('ioth dig', () => {
  let server: ScriptedServer | undefined;
  afterEach(() => server?.close());

  const config = () => `${lan.vnl},eth,ip=10.0.0.2/24,dns=10.0.0.1`;
  const dig = (...args: string[]) => ioth(['dig', ...args.slice(0, -2), config(), ...args.slice(-2)]);

  it.each([
    ['CNAME', `${EVIL}.org`],
    ['MX', { preference: 1, exchange: `${EVIL}.org` }],
    ['SRV', { priority: 1, weight: 1, port: 1, target: `${EVIL}.org` }],
    ['SOA', { mname: `${EVIL}.org`, rname: `${EVIL}.org` }],
    ['NAPTR', { order: 1, preference: 1, flags: '', services: '', regexp: EVIL, replacement: `${EVIL}.org` }],
    ['CAA', { flags: 0, tag: 'issue', value: EVIL }],
    ['TXT', [EVIL]],
  ])('%s', async (type, data) => {
    const [stack] = lan.stacks as [Stack];
    server = new ScriptedServer(stack, '10.0.0.1', (query) => [
      {
        bytes: answerTo(query, '', (packet) => {
          packet.answers = [{ type, name: query.name, ttl: 60, data } as never];
        }),
      },
    ]);
    const { code, stdout } = await dig('example.org', type);
    expect({ code }).toEqual({ code: 0 });
    expect(stdout).not.toMatch(UNPRINTABLE);
    expect(stdout).toContain('\\027[2J');
    const json = await dig('--json', 'example.org', type);
    expect(json.stdout).not.toMatch(UNPRINTABLE);
    expect(JSON.parse(json.stdout)).toHaveLength(1);
  });

  it('TXT that is not UTF-8: its bytes', async () => {
    const [stack] = lan.stacks as [Stack];
    server = new ScriptedServer(stack, '10.0.0.1', (query) => [
      {
        bytes: answerTo(query, '', (packet) => {
          packet.answers = [{ type: 'TXT', name: query.name, ttl: 60, data: Buffer.from([0xff, 0x41, 0xc3]) }];
        }),
      },
    ]);
    const { stdout } = await dig('example.org', 'TXT');
    expect(stdout).toMatch(/ TXT +"\\255A\\195"\n$/);
    const [record] = JSON.parse((await dig('--json', 'example.org', 'TXT')).stdout);
    expect(record.data).toBe('"\\255A\\195"');
  });

  it('a name that an alias leads to, which is not there', async () => {
    const [stack] = lan.stacks as [Stack];
    server = new ScriptedServer(stack, '10.0.0.1', (query) => [
      {
        bytes: answerTo(query, '', (packet) => {
          packet.answers = [{ type: 'CNAME', name: query.name, ttl: 60, data: `${EVIL}.org` }];
        }),
      },
    ]);
    const { code, stderr } = await dig('example.org', 'A');
    expect({ code, stderr }).toEqual({ code: 1, stderr: `ioth dig: ${SHOWN}.org: no A record\n` });
  });
});

it('what util.inspect, `ioth ip` and the REPL print: the name of an interface', async () => {
  const [stack] = lan.stacks as [Stack];
  const ifindex = stack.iplink_add(0, 'bridge', [], 'bridge0');
  try {
    const [code] = await once(stack.spawn('ip', ['link', 'set', 'bridge0', 'name', NAME]), 'exit');
    expect(code).toBe(0);
    expect(inspect(stack.interfaces())).toContain('\\027[2J');
    expect(inspect(stack.interfaces())).not.toMatch(UNPRINTABLE);
  } finally {
    stack.iplink_del({ ifindex });
  }
});
