import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { run, runText, start } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { isGone } from '../../support/processes.js';
import { until } from '../../support/until.js';

/*
 * docs/lifetimes.md, "How long anything waits": each path by which a wait ends, with a network that hangs, a daemon that is
 * stopped and one that is killed. A program that hangs is killed by its test, which fails.
 */

const CONDITIONS = {
  'a switch that hangs': "process.kill(Number(process.env.SWITCH), 'SIGSTOP');",
  'a daemon that is stopped': "process.kill(stack.daemonPid, 'SIGSTOP');",
  'a daemon that is killed': "process.kill(stack.daemonPid, 'SIGKILL');",
};

/** What is not about an end: a call that was refused for its arguments has tried nothing. */
const MISTAKE = /^(ERR_INVALID_|ERR_OUT_OF_RANGE|TypeError|ReferenceError)/m;

/** The program that ends with its stack open. */
const LEAVES = 'the end of the loop';

/** What a program has made before, and what it does then. */
const WORK: Readonly<Record<string, readonly [before: string, work: string]>> = {
  'close()': ['', 'await stack.close();'],
  'closeSync()': ['', 'stack.closeSync();'],
  'close() with data to deliver': [
    `const neighbour = ['10.0.0.2', 'lladdr', '02:00:00:00:00:02', 'nud', 'permanent', 'dev', 'vde0'];
    if (stack.spawnSync('ip', ['neigh', 'replace', ...neighbour]).status !== 0) throw new Error('no neighbour');
    const socket = stack.socket(ioth.AF_INET, ioth.SOCK_DGRAM); socket.bind(['10.0.0.1', 0]); socket.settimeout(0.001);
    const goOn = (error) => { if (!['EAGAIN', 'ETIMEDOUT'].includes(error.code)) throw error; };`,
    "for (let i = 0; i < 2000; i++) await socket.sendto(Buffer.alloc(1400), ['10.0.0.2', 9]).catch(goOn); await stack.close({ linger: 1 });",
  ],
  'process.exit()': ['', "console.log('ended'); process.exit();"],
  [LEAVES]: ['', "console.log('ended');"],
  'socket()': ['', 'stack.socket().close();'],
  netlink: ['', "stack.if_nameindex(); stack.linksetupdown('lo', true); stack.routes();"],
  'a blocking receive': [
    'const socket = stack.socket(ioth.AF_INET, ioth.SOCK_DGRAM); socket.settimeout(0.5);',
    'socket.sync.recv(10);',
  ],
  'a receive': [
    'const socket = stack.socket(ioth.AF_INET, ioth.SOCK_DGRAM); socket.settimeout(0.5);',
    'await socket.recv(10);',
  ],
  'connect()': ['const socket = stack.socket(); socket.settimeout(0.5);', "await socket.connect(['10.0.0.99', 9]);"],
  'a configuration': ['', "await stack.iothconfig('eth,dhcp,dhcp6,rd', { timeout: 300 });"],
  names: [
    "stack.iothdns_update('nameserver 10.0.0.99\\noptions timeout:1 attempts:1');",
    "await stack.getaddrinfo('a.example', 80);",
  ],
  'ping()': ['', "await stack.ping('10.0.0.99', { count: 1, timeout: 300 });"],
  'spawnSync() and sysctl()': ['', "stack.spawnSync('true'); stack.sysctl('net.ipv4.ip_forward');"],
  programs: ["stack.spawn('sh', ['-c', 'trap \"\" TERM; sleep 1000']);", 'await stack.close();'],
  "Node's modules": [
    "const server = stack.net.createServer(() => {}).listen(80); await new Promise((done) => server.once('listening', done)); const client = stack.net.connect(80, '10.0.0.1'); client.on('error', () => {}); client.write('x');",
    'await stack.close({ linger: 1 });',
  ],
  'another stack on its switch': [
    '',
    'const other = await ioth.Stack.create("vdestack", vnl, null, { wait: 700 }); await other.close();',
  ],
  'VdePort.open()': ['', 'const other = await vde.VdePort.open(vnl, { timeout: 700 }); await other.close();'],
  'a port': [
    'const port = await vde.VdePort.open(vnl);',
    'try { for (let i = 0; i < 5000; i++) await port.send(Buffer.alloc(1400), { timeout: 300 }); } finally { await port.close(); }',
  ],
  'a capture': ['const capture = await vde.capturePort(vnl);', 'await capture.stop();'],
  'a fabric': [
    "const fabric = await lab.Fabric.start(); const network = fabric.addNetwork('lan'); await network.addPort('a', vnl); const port = await vde.VdePort.open(await network.addCable('b'));",
    "for (let i = 0; i < 500; i++) await port.send(Buffer.alloc(1400, 255), { timeout: 300 }).catch(() => {}); await network.removePort('a'); await fabric.close(); await port.close();",
  ],
};

const dir = temporaryDirectory();

/** Runs it on a vdestack that joined a vde_switch(1). */
async function outcome(name: string, condition: keyof typeof CONDITIONS, place: string): Promise<string> {
  mkdirSync(place);
  const sw = start('vde_switch', ['-s', `${place}/sw`, '-x'], { limit: 290_000 });
  await until('the switch is there', async () => (await run('test', ['-S', `${place}/sw/ctl`])).code === 0);
  const [before, work] = WORK[name] as readonly [string, string];
  const text = `
    import * as vde from 'ioth/vde';
    import * as lab from 'ioth/lab';
    const vnl = 'vde://${place}/sw';
    const stack = new ioth.Stack('vdestack', vnl);
    stack.on('error', () => {});
    stack.linksetupdown('lo', true);
    stack.linksetupdown('vde0', true);
    stack.ipaddr_add('10.0.0.1/24', 'vde0');
    ${before}
    ${CONDITIONS[condition]}
    const end = async () => { ${work} };
    await end().then(() => console.log('done'), ({ code, name }) => console.log(code ?? name));
    ${name === LEAVES ? '' : "await stack.close({ linger: 1 }); console.log('ended');"}`;
  try {
    const { code, stdout } = await runText(place, text, { env: { SWITCH: String(sw.pid) } });
    const isEnd = code === 0 && stdout.includes('ended') && !MISTAKE.test(stdout);
    return isEnd ? 'ended' : `${code} ${stdout}`;
  } finally {
    sw.kill('SIGCONT');
    await sw.stop('SIGTERM');
  }
}

// they wait more than they work
test.concurrent.each(Object.keys(WORK))('%s', async (name) => {
  const conditions = Object.keys(CONDITIONS) as (keyof typeof CONDITIONS)[];
  const number = Object.keys(WORK).indexOf(name);
  const ends = await Promise.all(conditions.map((condition, i) => outcome(name, condition, `${dir}/${number}-${i}`)));
  expect(Object.fromEntries(conditions.map((condition, i) => [condition, ends[i]]))).toEqual(
    Object.fromEntries(conditions.map((condition) => [condition, 'ended'])),
  );
});

test('a command that ignores the end of its input', async () => {
  const place = `${dir}/command`;
  mkdirSync(place);
  const text = `
    import * as vde from 'ioth/vde';
    import * as lab from 'ioth/lab';
    const port = await vde.VdePort.open('cmd://sh -c "trap : TERM; while :; do sleep 1; done"');
    const fabric = await lab.Fabric.start();
    await fabric.addNetwork('lan').addPort('a', 'cmd://sleep 1000');
    await Promise.all([port.close(), fabric.close()]);
    console.log('closed');`;
  expect(await runText(place, text)).toMatchObject({ code: 0, stdout: 'closed\n' });
});

/** Commands, as shell scripts, that do not end when their input does. The second one ignores SIGTERM too. */
const COMMANDS = { 'a command': 'exec sleep 1000', 'a stubborn command': "trap '' TERM; while :; do sleep 1; done" };

test.concurrent.each([
  ['a command', 'tap', 'close()', 'await stack.close();', 0],
  ['a stubborn command', 'tap', 'close()', 'await stack.close();', 0],
  ['a stubborn command', 'tap', 'closeSync()', 'stack.closeSync();', 0],
  ['a stubborn command', 'veth', 'close()', 'await stack.close();', 0],
  ['a stubborn command', 'veth', 'closeSync()', 'stack.closeSync();', 0],
  ['a stubborn command', 'tap', 'process.exit()', 'process.exit(3);', 3],
  ['a stubborn command', 'veth', 'process.exit()', 'process.exit(3);', 3],
  ['a command', 'tap', 'SIGTERM', "process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);", 'SIGTERM'],
] as const)('%s of a stack with a %s ends by %s', async (command, wire, way, work, status) => {
  const place = `${dir}/${`${command} ${wire} ${way}`.replaceAll(/\W+/g, '-')}`;
  mkdirSync(place);
  writeFileSync(`${place}/command`, `echo $$ >${place}/pid; ${COMMANDS[command]}`);
  const text = `
    import { existsSync } from 'node:fs';
    import { setTimeout as delay } from 'node:timers/promises';
    let turns = 0;
    const stack = new ioth.Stack({ stack: 'vdestack', vnl: 'cmd://sh ${place}/command', wire: '${wire}' });
    while (!existsSync('${place}/pid')) await delay(10);
    const turning = setInterval(() => turns++, 10);
    ${work}
    clearInterval(turning);
    console.log(turns > 10 ? 'the loop went on' : 'the loop stood still');`;
  const { code, stdout } = await runText(place, text);
  expect([code, stdout]).toEqual([status, way === 'close()' ? 'the loop went on\n' : expect.anything()]);
  expect(isGone(Number(readFileSync(`${place}/pid`, 'utf8')))).toBe(true);
});

test('a command of a stack may end with its input, before it is signalled', async () => {
  const place = `${dir}/filter`;
  mkdirSync(place);
  writeFileSync(
    `${place}/command`,
    `trap 'echo signalled >${place}/end' TERM; cat >/dev/null; echo ended >>${place}/end`,
  );
  const text = `
    const stack = new ioth.Stack({ stack: 'vdestack', vnl: 'cmd://sh ${place}/command', wire: 'tap' });
    await stack.close();`;
  expect(await runText(place, text)).toMatchObject({ code: 0, stderr: '' });
  expect(readFileSync(`${place}/end`, 'utf8')).toBe('ended\n');
});
