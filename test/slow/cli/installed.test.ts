import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Exit, run } from '../../support/child.js';
import { type Consumer, consumer } from '../../support/consumer.js';
import { plainEnvironment } from '../../support/package.js';
import { DROP, openToAll } from '../../support/unprivileged.js';

/* The command from the tarball in an empty folder, as root and as a user without rights. */

let folder: Consumer;

beforeAll(async () => {
  folder = await consumer();
  const bin = join(folder.dir, 'node_modules/.bin');
  mkdirSync(bin);
  // as npm does it
  symlinkSync('../ioth/dist/lib/cli/main.js', join(bin, 'ioth'));
  chmodSync(join(bin, 'ioth'), 0o755);
  chmodSync(folder.dir, 0o755);
  writeFileSync(join(folder.dir, 'program.js'), "console.log(require('node:net').isIP('10.0.0.1'), process.argv[2])");
});

afterAll(() => folder.remove());

/** In a mount namespace where anybody may open /dev/net/tun, and read the checkout. */
function unprivileged(command: readonly string[]): string[] {
  return ['unshare', '-m', 'sh', '-ec', `${openToAll()}; exec "$@"`, 'sh', ...DROP, ...command];
}

async function runAs(user: string, command: readonly string[], input = ''): Promise<Exit | undefined> {
  const env = { ...plainEnvironment, IOTH_REPL_HISTORY: '', npm_config_cache: join(folder.dir, `cache-${user}`) };
  const isUser = user === 'a user without rights' && process.getuid?.() === 0;
  const start = (words: readonly string[]) => {
    const [program = '', ...args] = isUser ? unprivileged(words) : words;
    return run(program, args, { cwd: folder.dir, env: { ...env, HOME: '/nonexistent' }, input });
  };
  if (isUser && (await start([process.execPath, '-e', "require('ioth')"])).code !== 0) {
    console.log('this machine does not let a test be another user who can read the package: skipped');
    return undefined;
  }
  return start(command);
}

it('npx ioth doctor', async () => {
  const { code, stdout } = (await runAs('root', ['npx', '--offline', 'ioth', 'doctor'])) as Exit;
  expect({ code, end: stdout.trimEnd().split('\n').at(-1) }).toEqual({ code: 0, end: 'Stacks work here.' });
});

describe.each(['the user of the tests', 'a user without rights'])('as %s', (user) => {
  const ioth = join('node_modules/.bin/ioth');
  const config = 'null://,eth,ip=10.0.0.1/24';

  it.each([
    ['doctor', ['doctor'], '', /Stacks work here\.\n$/],
    ['repl', ['repl', config], "stack.if_nametoindex('vde0') + 40\n", /> 42\n/],
    ['run', ['run', config, 'program.js', 'argument'], '', /^4 argument\n$/],
    ['exec', ['exec', config, 'curl', '--version'], '', /^curl \d/],
    ['exec, as root of its network', ['exec', config, 'ip', 'addr', 'add', '10.0.0.9/24', 'dev', 'vde0'], '', /^$/],
    ['lab', ['lab', '-t', 'star=2', '-e', 'pingall -w 60'], '', /2 pings, 2 answers\n$/],
    ['ping', ['ping', '-c', '1', '-w', '60', config, '127.0.0.1'], '', /1 sent, 1 received/],
  ])('ioth %s', async (_name, args, input, output) => {
    const outcome = await runAs(user, [ioth, ...args], input);
    if (!outcome) return;
    expect(outcome).toEqual({ code: 0, stderr: '', stdout: expect.stringMatching(output) });
  });
});

it('ioth lab says what a configuration in YAML needs', async () => {
  writeFileSync(join(folder.dir, 'net.yaml'), 'networks: {}');
  const outcome = await runAs('root', [join('node_modules/.bin/ioth'), 'lab', 'net.yaml', '-e', 'links']);
  const stderr = "ioth lab: a configuration in YAML needs the package 'yaml': npm install yaml\n";
  expect(outcome).toEqual({ code: 1, stdout: '', stderr });
});
