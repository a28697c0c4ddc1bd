import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runSource } from '../../support/child.js';
import { workDirectory } from '../../support/directory.js';

/** The frames that carry an entry, and do not get lost on purpose. */
function framesWith(capture: string, entry: string): { number: number; from: string }[] {
  const filter = `tcp.payload contains "\\"value\\":\\"${entry}\\"" && !(frame.comment contains "dropped")`;
  const args = ['-r', capture, '-Y', filter, '-T', 'fields', '-e', 'frame.number', '-e', 'frame.interface_name'];
  const text = execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return text.split('\n').flatMap((line) => {
    const [number, from] = line.split('\t');
    return from === undefined ? [] : [{ number: Number(number), from }];
  });
}

async function replicatedLog(...args: string[]) {
  const { dir, remove } = workDirectory();
  const capture = join(dir, 'trace.pcapng');
  const env = { ...process.env, TMPDIR: dir };
  const outcome = await runSource('examples/replicated_log.ts', [...args, capture], { env });
  const frames = { d: framesWith(capture, 'd'), e: framesWith(capture, 'e') };
  expect(readdirSync(dir).filter((name) => name.startsWith('ioth-lab-'))).toEqual([]);
  await remove();
  return { ...outcome, frames };
}

it('elects a new leader when the old one is cut off, and loses no acknowledged entry', async () => {
  const { code, stdout, stderr } = await replicatedLog();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^(\w+) leads, and is cut off with the client\n'd' is not acknowledged by \1\n/);
  expect(stdout).toMatch(/^(\w+) is elected by the others\n'e' is acknowledged by the others\n/m);
  expect(stdout).toMatch(/^all have a b c e f; acknowledged: a b c e f\nnothing is lost\n$/m);
});

it('loses an entry that is acknowledged before the majority has it, and the capture shows why', async () => {
  const { code, stdout, frames } = await replicatedLog('--broken');
  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(/^LOST: d$/m) });
  const [old] = /^\w+(?= leads)/.exec(stdout) as RegExpExecArray;
  expect(stdout).toContain(`'d' is acknowledged by ${old}`);
  // the client gave it to the leader; when it went on from there, the others had chosen another one, which had 'e' instead
  expect(frames.d[0]?.from).toBe('client');
  const onward = frames.d.find(({ from }) => from === old);
  expect(onward?.number ?? Number.POSITIVE_INFINITY).toBeGreaterThan(frames.e[0]?.number as number);
});
