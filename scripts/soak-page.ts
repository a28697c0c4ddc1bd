/**
 * Shows a lab of 20 hosts and 20,000 frames a second on its page, in Chromium: `npm run soak:page`. Prints the frames a second that
 * the page draws, what the forwarding thread takes for a frame with the page and without it (in turn, in each round), and the memory of
 * both sides over time. Exits with 1 if a bound is broken. --seconds 60 is the time at full load; --rate 20000 the frames a second;
 * --rounds 40 how often both are compared.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chromium, type Page } from 'playwright-core';
import { Lab } from '../lib/lab/index.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '40' },
  },
});
const SECONDS = Number(values.seconds);
const RATE = Number(values.rate);
const HOSTS = 20;
const ROUNDS = Number(values.rounds);
/** The time of each of the two turns of a round, and what passes after a change before it begins. */
const TURN_S = 1;
const SETTLE_MS = 300;
const MIN_PICTURES = 30;
const MAX_COST = 0.03;
/** After the first 20 seconds memory is flat: within this factor. */
const MAX_GROWTH = 1.1;
const FLAT_AFTER_S = 20;
const STEP_S = 5;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];

/** Sends datagrams at a rate, from a process of its own. */
const SENDER = `
const socket = require('node:dgram').createSocket('udp4');
const [address, rate] = process.argv.slice(1);
const data = Buffer.alloc(200);
let sent = 0;
const start = performance.now();
socket.on('error', () => {});
setInterval(() => {
  const due = ((performance.now() - start) / 1000) * Number(rate);
  if (due - sent > rate / 10) sent = due - rate / 10;
  for (; sent < due; sent++) socket.send(data, 9, address);
}, 2);`;

const hosts = Object.fromEntries(Array.from({ length: HOSTS }, (_, i) => [`h${i + 1}`, 'lan'] as const));
await using lab = (await Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts })) as Lab;
const profile = mkdtempSync(join(tmpdir(), 'ioth-soak-page-'));
const senders = [1, 2].map((i) => {
  const to = lab.hosts[`h${i + 10}`]!.address();
  return lab.hosts[`h${i}`]!.spawn(process.execPath, ['-e', SENDER, to, String(RATE / 2)], { stdio: 'ignore' });
});
// a name that nobody answers would be asked for again and again
await lab.hosts.h1!.ping('h11');
await lab.hosts.h2!.ping('h12');

const browser = await chromium.launchPersistentContext(profile, {
  executablePath: '/usr/bin/chromium',
  args: FLAGS,
  viewport: { width: 1280, height: 800 },
});
const failures: string[] = [];
try {
  await costs();
  await load();
} finally {
  await browser.close();
  for (const sender of senders) sender.kill();
  rmSync(profile, { recursive: true, force: true });
}
for (const failure of failures) console.log(`missed: ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;

/** What the forwarding thread takes for a frame, without the page and with it. Every other round begins with the page. */
async function costs(): Promise<void> {
  const rounds: { without: number; shown: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const withoutFirst = round % 2 === 0;
    const first = withoutFirst ? await costOfFrame() : await costWithPage();
    const second = withoutFirst ? await costWithPage() : await costOfFrame();
    rounds.push(withoutFirst ? { without: first, shown: second } : { without: second, shown: first });
  }
  const [without, shown] = [rounds.map((each) => each.without), rounds.map((each) => each.shown)];
  const more = rounds.map((each) => each.shown / each.without - 1);
  const texts = [without, shown].map((list) => `${(quantile(list, 0.5) * 1e6).toFixed(2)} µs`);
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(more, share)) as [number, number, number];
  console.log(
    `a frame takes the forwarding thread ${texts[0]}, with the page ${texts[1]}: ` +
      `${change(middle)} (${change(low)} to ${change(high)}, ${ROUNDS} rounds)`,
  );
  if (middle > MAX_COST) failures.push(`the forwarding thread may take ${percent(MAX_COST)} more`);
}

async function costWithPage(): Promise<number> {
  const page = await open();
  const cost = await costOfFrame();
  await page.close();
  return cost;
}

/** Full load for a minute. */
async function load(): Promise<void> {
  const page = await open();
  await page.evaluate(`(() => {
    window.pictures = 0;
    const count = () => { window.pictures++; requestAnimationFrame(count); };
    requestAnimationFrame(count);
  })()`);
  const start = performance.now();
  const memory: { second: number; own: number; heap: number }[] = [];
  let [frames, pictures, last] = [await framesNow(), await picturesOf(page), start];
  for (let second = STEP_S; second <= SECONDS; second += STEP_S) {
    await delay(Math.max(0, start + second * 1000 - performance.now()));
    const [now, framesThen, picturesThen] = [performance.now(), await framesNow(), await picturesOf(page)];
    const passed = (now - last) / 1000;
    const [rate, drawn] = [(framesThen - frames) / passed, (picturesThen - pictures) / passed];
    [frames, pictures, last] = [framesThen, picturesThen, now];
    globalThis.gc?.();
    const heap = await heapOf(page);
    const own = process.memoryUsage().rss;
    memory.push({ second, own, heap });
    console.log(
      `${second} s: ${Math.round(rate)} frames/s, ${drawn.toFixed(0)} pictures/s, this process ${mib(own)}, the page's heap ${mib(heap)}`,
    );
    if (drawn < MIN_PICTURES) failures.push(`${MIN_PICTURES} pictures a second at ${second} s: ${drawn.toFixed(0)}`);
  }
  const flat = memory.filter(({ second }) => second >= FLAT_AFTER_S);
  for (const which of ['own', 'heap'] as const) {
    const growth = Math.max(...flat.map((each) => each[which])) / (flat[0]?.[which] ?? 1);
    console.log(`memory after ${FLAT_AFTER_S} s, ${which}: at most ${growth.toFixed(3)} of what it was`);
    if (growth > MAX_GROWTH) failures.push(`${which} memory may grow to ${MAX_GROWTH}`);
  }
  await page.close();
}

async function open(): Promise<Page> {
  const { url } = await lab.serve();
  const page = await browser.newPage();
  await page.goto(url);
  await page.getByText('live', { exact: true }).waitFor();
  await page.locator('.row').first().waitFor();
  return page;
}

async function picturesOf(page: Page): Promise<number> {
  return Number(await page.evaluate('window.pictures'));
}

/** Returns the bytes of the page's objects, after a collection. */
async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
}

async function framesNow(): Promise<number> {
  return (await lab.networks.lan!.stats()).total.received.frames;
}

/** Returns the processor time that the forwarding thread takes for a frame, in seconds. */
async function costOfFrame(): Promise<number> {
  await delay(SETTLE_MS);
  const [before, framesBefore] = [threadTimes(), await framesNow()];
  await delay(TURN_S * 1000);
  const [after, frames] = [threadTimes(), (await framesNow()) - framesBefore];
  // it is the busiest one besides that of the program
  const times = [...after].filter(([tid]) => tid !== process.pid).map(([tid, time]) => time - (before.get(tid) ?? 0));
  return Math.max(...times) / frames;
}

/** Returns the processor times of the threads of this process in seconds, by their ids. */
function threadTimes(): Map<number, number> {
  const tids = readdirSync('/proc/self/task').map(Number);
  return new Map(
    tids.map((tid) => {
      const nanoseconds = readFileSync(`/proc/self/task/${tid}/schedstat`, 'latin1').split(' ')[0];
      return [tid, Number(nanoseconds) / 1e9];
    }),
  );
}

/** Returns the value below which this share of a list is. */
function quantile(list: readonly number[], share: number): number {
  return list.toSorted((a, b) => a - b)[Math.round((list.length - 1) * share)]!;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function change(share: number): string {
  return `${share < 0 ? '' : '+'}${percent(share)}`;
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
