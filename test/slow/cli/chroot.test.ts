import { chmodSync } from 'node:fs';
import { runText } from '../../support/child.js';
import { buildCli, iothUnder } from '../../support/cli.js';
import { temporaryDirectory } from '../../support/directory.js';
import { DROP, openToAll } from '../../support/unprivileged.js';

/* In a chroot, as schroot and pbuilder make them, the kernel refuses user namespaces to everybody: user_namespaces(7). */

beforeAll(buildCli);

const isRoot = process.getuid?.() === 0;
const IN_NAMESPACE = isRoot ? ['unshare', '-m'] : ['unshare', '-Urm'];

/** The root of the machine once more, as a mount. */
const MOUNT = 'mount --rbind / "$0/root"';
/** A directory of a file system, with what the root has. */
const DIRECTORY = `mount -t tmpfs none "$0"; mkdir "$0/root"
for entry in /*; do
  if [ -L "$entry" ]; then cp -P "$entry" "$0/root"; fi
  if [ -d "$entry" ] && [ ! -L "$entry" ]; then mkdir "$0/root$entry"; mount --rbind "$entry" "$0/root$entry"; fi
done`;

/** The command in front of a program that runs it in a chroot. */
function inChroot(make: string, drop: readonly string[]): string[] {
  const script = `${isRoot ? openToAll() : ''}\nmkdir "$0/root"; ${make}; cd /; exec chroot "$0/root" "$@"`;
  return [...IN_NAMESPACE, 'sh', '-ec', script, temporaryDirectory(), ...drop];
}

describe.each([
  ['a mount', MOUNT],
  ['a directory', DIRECTORY],
])('whose root is %s', (_what, make) => {
  describe.each([
    ['the user of the tests', []],
    ...(isRoot ? [['a user without rights', DROP] as const] : []),
  ] as const)('%s', (_who, drop) => {
    it('doctor: says so, and what to do', async () => {
      const { code, stdout, stderr } = await iothUnder(inChroot(make, drop), ['doctor', '--json']);
      expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
      const { findings, works } = JSON.parse(stdout);
      const working = works.filter((ability: { works: boolean }) => ability.works);
      expect(working.map(({ what }: { what: string }) => what)).toEqual(['kernel', 'ports (ioth/vde)', 'wire: tap']);
      const faults = findings.filter(({ status }: { status: string }) => status === 'fault');
      expect(faults).toEqual([
        {
          check: 'user namespaces',
          status: 'fault',
          message: 'this is a chroot, where the kernel refuses them, even to root',
          remedy: expect.stringMatching(/^run outside of it, or /),
        },
        {
          check: 'a real stack',
          status: 'fault',
          message: expect.stringContaining('EPERM'),
          remedy: expect.stringMatching(/^run outside of it, or /),
        },
      ]);
    });

    it('a stack: EPERM says so', async () => {
      const dir = temporaryDirectory();
      chmodSync(dir, 0o755); // for the other user
      const text =
        "try { new ioth.Stack('vdestack', 'null://') } catch (error) { console.log(error.code, error.message) }";
      const { stdout, stderr } = await runText(dir, text, { prefix: inChroot(make, drop) });
      expect(stderr).toBe('');
      expect(stdout).toMatch(
        /^EPERM .*a user namespace was refused: this is a chroot, .* To do: run outside of it, or /,
      );
    });
  });
});
