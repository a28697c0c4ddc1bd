import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bestOfThree, Life } from '../support/life.js';

/** After the process began to leave, nothing of it is left in so many milliseconds. */
const LIMIT = 300;

/** Processes that end without a chance to tidy up: their daemons need their ten seconds while the other tests run. */
let unprepared: Promise<{ since: number; lives: Life[]; place: string }>;
beforeAll(() => {
  const place = mkdtempSync(join(tmpdir(), 'ioth-life-'));
  const noCore = { shell: 'ulimit -c 0' };
  const lives = ['wait', 'abort'].map((way) => new Life('way-out.ts', [way, 2, join(place, way)], noCore));
  unprepared = Promise.all(lives.map((life) => life.says('ready'))).then(() => {
    lives[0]?.signal('SIGKILL');
    return { since: Date.now(), lives, place };
  });
});

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ioth-life-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function expectQuickEnd(status: number | string, way: string, count: number, say = async (_life: Life) => {}) {
  const time = await bestOfThree(LIMIT, async () => {
    const life = new Life('way-out.ts', [way, count, dir]);
    expect((await life.says('ready')).split(' ')).toHaveLength(count);
    return expectNothingLeft(life, status, say);
  });
  expect(time).toBeLessThan(LIMIT);
}

/** Waits for the end of it all and checks that nothing is left; answers how many milliseconds it took. */
async function expectNothingLeft(
  life: Life,
  status: number | string,
  say = async (_life: Life) => {},
): Promise<number> {
  let leftAt = Date.now();
  await say(life);
  const ended = await life.ended;
  const { left, goneAt } = await life.gone(Date.now() + 2000);
  leftAt = Number(/^leaving (\d+)/m.exec(life.stdout)?.[1] ?? leftAt);
  expect({ status: ended.status, left, files: readdirSync(dir), stderr: life.stderr }).toEqual({
    status,
    left: [],
    files: [],
    stderr: status === 1 ? expect.stringContaining('nobody') : '',
  });
  return Math.max(ended.closedAt, goneAt) - leftAt;
}

describe.each([1, 50])('%i stacks', (count) => {
  test.each([
    ['end', 0],
    ['exit', 7],
    ['exception', 1],
    ['rejection', 1],
  ])('go with the process: %s', (way, status) => expectQuickEnd(status, way, count));

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('go with the process: %s', (signal) =>
    expectQuickEnd(signal, 'wait', count, async (life) => {
      expect(readdirSync(dir)).not.toEqual([]);
      life.signal(signal);
    }),
  );
});

test('a Ctrl-C, which reaches the daemons too, ends 20 stacks', () =>
  expectQuickEnd('SIGINT', 'wait', 20, async (life) => life.signalGroup('SIGINT')));

test('process.exit() in a handler of SIGINT ends them', () =>
  expectQuickEnd(3, 'exit in a handler of SIGINT', 20, async (life) => life.signal('SIGINT')));

test('process.exit() ends stacks that are being closed', () => expectQuickEnd(7, 'exit while closing', 20));

test.each(['signal', 'signalGroup'] as const)(
  "one SIGINT (%s) with 20 stacks is one call of the program's handler",
  async (how) => {
    const life = new Life('way-out.ts', ['count SIGINT', 20, dir]);
    const daemons = (await life.says('ready')).split(' ').map(Number);
    life[how]('SIGINT');
    await life.says('handler');
    await delay(200);
    expect(life.stdout.match(/handler/g)).toHaveLength(1);
    expect(life.group()).toEqual(expect.arrayContaining(daemons));
    await expectNothingLeft(life, 'SIGTERM', async () => life.signal('SIGTERM'));
  },
);

test.each(['graceful', 'graceful once'])('a %s shutdown finds its stacks alive', async (way) => {
  const life = new Life('way-out.ts', [way, 3, dir]);
  await life.says('ready');
  life.signalGroup('SIGINT');
  expect(await life.says('served')).toBe('good bye');
  await expectNothingLeft(life, 0);
  expect(life.stdout.match(/handler/g)).toHaveLength(1);
});

test('after SIGKILL and abort() the daemons end by themselves within 10 s; a switch stays', async () => {
  const { since, lives, place } = await unprepared;
  for (const life of lives) {
    // whoever is process 1 collects them when it likes
    const { left } = await life.gone(since + 11_000, false);
    expect(left).toEqual([]);
    expect((await life.ended).closedAt - since).toBeLessThan(11_000);
  }
  expect(await Promise.all(lives.map(async ({ ended }) => (await ended).status))).toEqual(['SIGKILL', 'SIGABRT']);
  expect(readdirSync(join(place, 'wait'))).toEqual(['sw0']);
  rmSync(place, { recursive: true });
});
