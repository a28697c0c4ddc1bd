import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Child, type Exit, shell, startScript } from '../../support/child.js';
import { temporaryDirectory, useDirectory } from '../../support/directory.js';

/** Processes that end without a chance to tidy up: their daemons need their ten seconds while the other tests run. */
let unprepared: Promise<{ lives: Child[]; place: string }>;
beforeAll(() => {
  const place = temporaryDirectory();
  const noCore = { prefix: shell('ulimit -c 0') };
  const lives = ['wait', 'abort'].map((way) => startScript('way-out.ts', [way, 2, join(place, way)], noCore));
  unprepared = Promise.all(lives.map((life) => life.line('ready'))).then(() => {
    lives[0]?.kill('SIGKILL');
    return { lives, place };
  });
});

const PF_EXITING = 4;
const SIGKILL_BIT = 1n << 8n;

const directory = useDirectory();
let dir: string;
beforeEach(() => {
  dir = directory.path;
});

async function expectEnd(status: Exit['code'], way: string, count: number, say = async (_life: Child) => {}) {
  const life = startScript('way-out.ts', [way, count, dir]);
  expect((await life.line('ready')).split(' ')).toHaveLength(count);
  await expectNothingLeft(life, status, say);
}

/** Waits for the end of it all: the process took its daemons along, instead of leaving them to find out in their ten seconds. */
async function expectNothingLeft(life: Child, status: Exit['code'], say = async (_life: Child) => {}): Promise<void> {
  await say(life);
  await life.gone;
  expect(life.group().filter((pid) => !isDoomed(pid))).toEqual([]);
  const { code, stderr } = await life.exit;
  expect({ code, left: await life.groupGone(), files: readdirSync(dir), stderr }).toEqual({
    code: status,
    left: [],
    files: [],
    stderr: status === 1 ? expect.stringContaining('nobody') : '',
  });
}

/** Whether a process has ended, is ending, or has its SIGKILL: proc_pid_stat(5), proc_pid_status(5). */
function isDoomed(pid: number): boolean {
  try {
    const [state, , , , , , flags] = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/.*\) /s, '').split(' ');
    const pending = /^ShdPnd:\s*(\w+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '0';
    return state === 'Z' || (Number(flags) & PF_EXITING) !== 0 || (BigInt(`0x${pending}`) & SIGKILL_BIT) !== 0n;
  } catch {
    return true; // it has just ended
  }
}

describe.each([1, 20])('%i stacks', (count) => {
  test.each([
    ['end', 0],
    ['exit', 7],
    ['exception', 1],
    ['rejection', 1],
  ])('go with the process: %s', (way, status) => expectEnd(status, way, count));

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('go with the process: %s', (signal) =>
    expectEnd(signal, 'wait', count, async (life) => {
      expect(readdirSync(dir)).not.toEqual([]);
      life.kill(signal);
    }),
  );
});

test('a Ctrl-C, which reaches the daemons too, ends 20 stacks', () =>
  expectEnd('SIGINT', 'wait', 20, async (life) => life.killGroup('SIGINT')));

test('process.exit() in a handler of SIGINT ends them', () =>
  expectEnd(3, 'exit in a handler of SIGINT', 20, async (life) => life.kill('SIGINT')));

test('process.exit() ends stacks that are being closed', () => expectEnd(7, 'exit while closing', 20));

test.each(['kill', 'killGroup'] as const)(
  "one SIGINT (%s) with 20 stacks is one call of the program's handler",
  async (how) => {
    const life = startScript('way-out.ts', ['count SIGINT', 20, dir]);
    const daemons = (await life.line('ready')).split(' ').map(Number);
    life[how]('SIGINT');
    await life.line('handler');
    await delay(200);
    expect(life.stdout.match(/handler/g)).toHaveLength(1);
    expect(life.group()).toEqual(expect.arrayContaining(daemons));
    await expectNothingLeft(life, 'SIGTERM', async () => life.kill('SIGTERM'));
  },
);

test.each(['graceful', 'graceful once'])('a %s shutdown finds its stacks alive', async (way) => {
  const life = startScript('way-out.ts', [way, 3, dir]);
  await life.line('ready');
  life.killGroup('SIGINT');
  expect(await life.line('served')).toBe('good bye');
  await expectNothingLeft(life, 0);
  expect(life.stdout.match(/handler/g)).toHaveLength(1);
});

test('after SIGKILL and abort() the daemons end by themselves; a switch stays', async () => {
  const { lives, place } = await unprepared;
  for (const life of lives) expect(await life.groupGone()).toEqual([]);
  expect(await Promise.all(lives.map(async ({ exit }) => (await exit).code))).toEqual(['SIGKILL', 'SIGABRT']);
  expect(readdirSync(join(place, 'wait'))).toEqual(['sw0']);
});
