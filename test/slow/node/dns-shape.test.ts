import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { runScript } from '../../support/child.js';
import { useDirectory } from '../../support/directory.js';
import { builtPackage, plainEnvironment } from '../../support/package.js';

/* What node:dns does on a stack is what it does without one: the same program, plain and on a stack, says the same. */

interface Report {
  outcomes: Record<string, Record<string, unknown>>;
  hostPackets: number;
}

const directory = useDirectory();
/** A network with nothing in it, and files of its own in the place of those of /etc. */
const SETTING =
  'for f in resolv.conf hosts nsswitch.conf; do mount --bind "$1/$f" /etc/$f; done; ip link set lo up; shift; exec "$@"';

async function report(args: string[], flags: string[] = []): Promise<Report> {
  const files = {
    'resolv.conf': 'nameserver 127.0.0.1\noptions timeout:1 attempts:5\n',
    hosts: '127.0.0.1 localhost\n',
    'nsswitch.conf': 'hosts: files dns\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory.path, name), text);
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const prefix = ['unshare', ...user, '--net', '--mount', 'sh', '-ec', SETTING, 'sh', directory.path];
  const env = { ...plainEnvironment, IOTH: 'stack=vdestack' };
  const { code, stdout, stderr } = await runScript('dns-shape.ts', args, { prefix, flags, env });
  expect({ code, stderr: stderr.replace(/^\(.*\n/gm, '') }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

/** What one says and the other does not, by what was called. */
function differences({ outcomes }: Report, { outcomes: others }: Report): Record<string, unknown> {
  const names = Object.keys({ ...outcomes, ...others });
  const differing = names.filter((name) => !isDeepStrictEqual(outcomes[name], others[name]));
  return Object.fromEntries(differing.map((name) => [name, { is: outcomes[name], plain: others[name] }]));
}

/** As the promises of this library do: they reject where Node's throw. */
function rejecting({ outcomes, hostPackets }: Report): Report {
  const entries = Object.entries(outcomes).map(([name, { throws, ...rest }]) => {
    if (throws === undefined) return [name, rest];
    return [
      name,
      /^promises\.(resolve|reverse|lookup)/.test(name) ? { rejects: throws, ...rest } : { throws, ...rest },
    ];
  });
  return { outcomes: Object.fromEntries(entries), hostPackets };
}

const rejected = (code: string) => ({ rejects: expect.objectContaining({ json: expect.objectContaining({ code }) }) });

it('with ioth/register, in its worker threads and as stack.dns it does what it does plain', async () => {
  const { register } = await builtPackage();
  const imported = ['--import', pathToFileURL(register).href];
  // each waits for servers that are silent
  const [plain, registered, worker, face] = await Promise.all([
    report(['plain']),
    report(['plain'], imported),
    report(['worker'], imported),
    report(['face']),
  ]);
  expect(Object.keys(plain.outcomes).length).toBeGreaterThan(300);
  expect(plain.outcomes['promises.Resolver, 1 tries']).toEqual({
    ...rejected('ETIMEOUT'),
    asked: ['silent.test A 0 127.0.0.1 5300'],
  });
  expect(plain.outcomes['promises.lookup("silent.test")']).toMatchObject(rejected('EAI_AGAIN'));
  expect(plain.hostPackets).toBeGreaterThan(100);
  expect(differences(registered, plain)).toEqual({});
  const refused = ['null', '5', '"x"', '[]'].flatMap((given) => [
    `new Resolver(${given})`,
    `new promises.Resolver(${given})`,
  ]);
  expect(Object.keys(differences(face, rejecting(plain)))).toEqual(refused);
  // what a worker thread asked for goes on
  expect(Object.keys(differences(worker, plain))).toEqual(['promises.Resolver, cancelled', 'Resolver, cancelled']);
  expect([registered.hostPackets, worker.hostPackets, face.hostPackets]).toEqual([0, 0, 0]);
});
