import { createServer } from 'node:http';
import { Lab, type LabPage } from 'ioth/lab';
import type { Page } from 'playwright-core';
import { topologyConfig } from '../../../lib/cli/lab/topologies.js';
import { Browser } from '../../support/browser.js';
import { patientLab } from '../../support/lab-hosts.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { PATIENCE_MS, until } from '../../support/until.js';

/* The page of a lab in a real browser, as a person uses it. */

const THREE = {
  networks: { lan: '10.0.0.0/24', wan: '10.1.0.0/24' },
  hosts: { alice: 'lan', gate: ['lan', 'wan'], bob: 'wan' },
} as const;
const ONE_PING = { count: 1, timeout: PATIENCE_MS };

let browser: Browser;
/** What terminals run: that of the machine may have any prompt. */
const { SHELL } = process.env;
let before: Holdings;

beforeAll(async () => {
  process.env.SHELL = '/bin/sh';
  browser = await Browser.start();
});
afterAll(async () => {
  if (SHELL === undefined) delete process.env.SHELL;
  else process.env.SHELL = SHELL;
  await browser?.close();
});
beforeEach(() => {
  before = holdings();
  browser.complaints.length = 0;
});
afterEach(async () => {
  await expectNothingLeft(before);
  expect(browser.complaints).toEqual([]);
});

/** Makes a lab, opens its page, and closes both. */
async function withPage(
  config: Parameters<typeof Lab.create>[0],
  use: (page: Page, lab: Lab, served: LabPage) => Promise<void>,
  size?: Parameters<Browser['open']>[1],
): Promise<void> {
  await using lab = (await patientLab(config)) as Lab;
  const served = await lab.serve();
  const page = await browser.open(served.url, size);
  try {
    await page.getByText('live', { exact: true }).waitFor();
    await use(page, lab, served);
  } finally {
    await page.close();
  }
}

const box = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const packets = (page: Page) => page.getByRole('listbox', { name: 'Packets' });
const click = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
const showTab = (page: Page, name: string) => page.getByRole('tab', { name }).click();

async function serveHttp(lab: Lab, host: string): Promise<void> {
  await lab.hosts[host]!.run(
    () => new Promise<void>((done) => createServer((_, response) => response.end('hello')).listen(80, done)),
  );
}

/** Moves a slider to one of its places, as the keys do. */
async function slide(page: Page, label: string, place: number): Promise<void> {
  await page.getByRole('slider', { name: label, exact: true }).fill(String(place));
}

describe('the topology', () => {
  test.each(['star=3', 'line=4', 'tree=2,2', 'nat'])('%s is drawn', async (topology) => {
    await withPage(topologyConfig(topology), async (page, lab) => {
      for (const host of Object.keys(lab.hosts)) await box(page, `Host ${host}`).waitFor();
      for (const network of Object.keys(lab.networks)) await box(page, `Network ${network}`).waitFor();
      for (const { name, networks } of Object.values(lab.hosts)) {
        for (const network of networks) await box(page, `Link of ${name} to ${network}`).waitFor({ state: 'attached' });
      }
      const places = await page.locator('.box').evaluateAll((all) => all.map((each) => each.getAttribute('transform')));
      expect(new Set(places).size).toBe(places.length);
    });
  });

  test('it zooms, and its boxes can be moved', async () => {
    await withPage(THREE, async (page) => {
      const size = async () => (await box(page, 'Host bob').boundingBox())!;
      const first = await size();
      await click(page, 'Zoom in');
      await until('it is larger', async () => (await size()).width > first.width);
      await click(page, 'Show all of it');
      const { x, y, width, height } = await size();
      await page.mouse.move(x + width / 2, y + height / 2);
      await page.mouse.down();
      await page.mouse.move(x + width / 2 + 40, y + height / 2 + 30, { steps: 4 });
      await page.mouse.up();
      const moved = await size();
      expect([Math.round(moved.x - x), Math.round(moved.y - y)]).toEqual([40, 30]);
      // a drag is no click
      expect(await page.locator('.box.chosen').count()).toBe(0);
    });
  });

  test('hosts that are down look so, and can be plugged in again', async () => {
    await withPage(THREE, async (page, lab) => {
      await box(page, 'Host bob').click();
      await click(page, 'Down');
      await page.locator('.box.down').getByText('down').waitFor();
      expect(lab.hosts.bob!.isUp).toBe(false);
      await click(page, 'Up');
      await page.locator('.box.down').waitFor({ state: 'detached' });
      expect(lab.hosts.bob!.isUp).toBe(true);
    });
  });

  test('frames run along it', async () => {
    await withPage(THREE, async (page, lab) => {
      const isPainted = (): Promise<boolean> =>
        page.evaluate(`{
        const canvas = document.querySelector('.topology canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        data.some((value) => value > 0);
      }`);
      await until('a frame runs', async () => {
        await lab.hosts.alice!.ping('bob', ONE_PING);
        return isPainted();
      });
      await until('all frames have arrived', async () => !(await isPainted()));
    });
  });
});

describe('faults', () => {
  test('the slider of a delay changes the time of a ping', async () => {
    await withPage(THREE, async (page, lab) => {
      await box(page, 'Link of bob to wan').press('Enter');
      // 300 ms
      await slide(page, 'Delay', 12);
      await page.locator('.cable-label', { hasText: 'delay=300' }).waitFor();
      const { min } = await lab.hosts.alice!.ping('bob', ONE_PING);
      expect(min).toBeGreaterThanOrEqual(600);
      await page.getByLabel('Direction').selectOption({ label: 'to bob' });
      await slide(page, 'Delay', 0);
      await page.getByText('up bob delay=300').waitFor({ state: 'detached' });
      await until('only one direction is slow', async () => (await lab.hosts.alice!.ping('bob', ONE_PING)).min! < 600);
      await click(page, 'As configured');
    });
  });

  test('the plots have what passes', async () => {
    await withPage(THREE, async (page, lab) => {
      await box(page, 'Link of bob to wan').press('Enter');
      await lab.networks.wan!.set({ delay: 30 });
      await until('something is measured', async () => {
        await lab.hosts.alice!.ping('bob', ONE_PING);
        const labels = await page
          .getByRole('img', { name: /Throughput|Delay/ })
          .evaluateAll((figures) => figures.map((figure) => figure.getAttribute('aria-label')!));
        const delay = Number(/Delay: ([\d.]+) ms/.exec(labels.join('\n'))?.[1]);
        return delay >= 30 && labels.some((label) => /Throughput: .*[1-9]/.test(label));
      });
      expect(await page.locator('.plots canvas').count()).toBe(3);
    });
  });

  test('hosts are parted, cut and healed', async () => {
    await withPage(topologyConfig('star=3'), async (page, lab) => {
      const [network = ''] = Object.keys(lab.networks);
      await box(page, `Network ${network}`).click();
      await page.getByRole('checkbox', { name: 'alice' }).check();
      await click(page, 'Partition');
      await page.locator('.box', { hasText: 'partitioned' }).waitFor();
      expect((await lab.hosts.alice!.ping('bob', { count: 1, timeout: 200 })).received).toBe(0);
      await click(page, 'Heal');
      await page.locator('.box', { hasText: 'partitioned' }).waitFor({ state: 'detached' });
      expect((await lab.hosts.alice!.ping('bob', ONE_PING)).received).toBe(1);
      await page.getByRole('checkbox', { name: 'bob' }).check();
      await click(page, 'Cut between them');
      await page.getByText('Cut: alice → bob, bob → alice.').waitFor();
      expect((await lab.hosts.alice!.ping('bob', { count: 1, timeout: 200 })).received).toBe(0);
      expect((await lab.hosts.alice!.ping('carol', ONE_PING)).received).toBe(1);
    });
  });

  test('what is not possible is said', async () => {
    await withPage(topologyConfig('star=2'), async (page, lab) => {
      const [network = ''] = Object.keys(lab.networks);
      await box(page, `Network ${network}`).click();
      const alert = page.getByRole('alert');
      for (const host of ['', 'alice']) {
        if (host) await page.getByRole('checkbox', { name: host }).check();
        await click(page, 'Cut between them');
        await alert.getByText('Tick two hosts or more.').waitFor();
        await click(page, 'Heal');
        await alert.getByText('Tick').waitFor({ state: 'detached' });
      }
      await slide(page, 'Reordering', 3);
      await alert.getByText('must be used with a delay').waitFor();
      // the browser tells of the answer, too
      browser.complaints.length = 0;
    });
  });
});

describe('packets', () => {
  test('a filter chooses them, and one has layers, bytes and a fate in words', async () => {
    await withPage(THREE, async (page, lab) => {
      await lab.hosts.alice!.ping('bob', ONE_PING);
      await lab.networks.wan!.set({ loss: 1 });
      await lab.hosts.alice!.ping('bob', { count: 1, timeout: 200 });
      const filter = page.getByLabel('Filter of packets');
      await filter.fill('icmp wan dropped echo');
      await packets(page).getByRole('option').first().click();
      await page.getByText('was lost by the fault ‘loss’').waitFor();
      await filter.fill('icmp lan bob !dropped');
      await page
        .getByRole('option', { name: /echo reply/ })
        .first()
        .click();
      await page.getByText('From gate on lan: reached alice').waitFor();
      const packet = page.getByRole('region', { name: 'Packet' });
      expect(await packet.locator('summary').allTextContents()).toEqual(['Ethernet', 'IPv4', 'ICMP']);
      expect(await packet.getByLabel('Bytes').textContent()).toMatch(/^0000 {2}02 00 00 00/);
      await filter.fill('carol');
      await page.getByText(/^0 of \d+/).waitFor();
    });
  });

  test('a delayed one reaches its receiver later', async () => {
    await withPage(THREE, async (page, lab) => {
      await lab.networks.wan!.set({ delay: 250 });
      await lab.hosts.gate!.ping('bob', ONE_PING);
      await page.getByLabel('Filter of packets').fill('icmp wan delayed echo request');
      await packets(page).getByRole('option').first().click();
      await page.getByText(/reached bob after (?:2[5-9]|[3-9]\d)\d ms|reached bob after [\d.]+ s/).waitFor();
    });
  });
});

describe('the sequence diagram', () => {
  test('a handshake whose first SYN is lost', async () => {
    await withPage(THREE, async (page, lab) => {
      await serveHttp(lab, 'bob');
      const intercept = await lab.networks.wan!.intercept({ to: 'bob', flags: 'SYN' }, 'drop', { times: 1 });
      expect(await lab.hosts.alice!.run(() => fetch('http://bob/').then((answer) => answer.text()))).toBe('hello');
      await intercept.stop();
      await showTab(page, 'Sequence');
      const option = page.getByLabel('Conversation').locator('option', { hasText: /^TCP alice:\d+ ↔ bob:80/ });
      await option.waitFor({ state: 'attached' });
      await page.getByLabel('Conversation').selectOption((await option.getAttribute('value'))!);
      const diagram = page.getByRole('region', { name: 'Sequence diagram' });
      const textsOf = async () => (await diagram.locator('.arrow').allTextContents()).join('\n');
      await until('the answer is drawn', async () => (await textsOf()).includes('HTTP/1.1 200 OK'));
      const lost = diagram.locator('.arrow.lost');
      expect(await lost.allTextContents()).toEqual([expect.stringContaining('gate to bob: SYN seq 0')]);
      expect(await lost.locator('.cross').count()).toBe(1);
      const texts = await textsOf();
      expect(texts).toContain('SYN seq 0 retransmission');
      expect(texts).toContain('SYN ACK seq 0 ack 1');
      expect(texts).toMatch(/PSH ACK seq 1 ack 1 \d+ B GET \/ HTTP\/1\.1/);
      expect(await diagram.locator('.life-name').allTextContents()).toEqual(['alice', 'gate', 'bob']);
    });
  });

  test('a delayed packet slopes', async () => {
    await withPage(THREE, async (page, lab) => {
      await lab.networks.wan!.set({ delay: 100 });
      await lab.hosts.gate!.ping('bob', ONE_PING);
      await showTab(page, 'Sequence');
      const isSloped = (name: string) =>
        page
          .locator('.arrow', { hasText: name })
          .locator('.shaft')
          .first()
          .evaluate((line) => {
            return Number(line.getAttribute('y2')) - Number(line.getAttribute('y1')) > 20;
          });
      await until('both slope', async () => {
        const names = ['gate to bob: ICMP echo request', 'bob to gate: ICMP echo reply'];
        if ((await page.locator('.arrow', { hasText: 'echo reply' }).count()) === 0) return false;
        return (await Promise.all(names.map(isSloped))).every(Boolean);
      });
    });
  });
});

describe('time', () => {
  test('events have their marks, and the page goes back to one', async () => {
    await withPage(THREE, async (page, lab) => {
      await lab.hosts.alice!.ping('bob', ONE_PING);
      await lab.down('bob');
      await lab.up('bob');
      await showTab(page, 'Events');
      const events = page.getByRole('tabpanel', { name: 'Events' });
      await events.getByText('bob is up').waitFor();
      expect(await page.locator('.mark.host').count()).toBe(2);
      expect(await page.locator('.box.down').count()).toBe(0);
      await events.getByText('bob is down').click();
      // as it was then
      await page.locator('.box.down').waitFor();
      await events.getByText('bob is up').waitFor({ state: 'detached' });
      await click(page, '▶ Live');
      await page.locator('.box.down').waitFor({ state: 'detached' });
    });
  });

  test('connections that were made and ended are events', async () => {
    await withPage(THREE, async (page, lab) => {
      await serveHttp(lab, 'bob');
      await lab.hosts.alice!.run(() =>
        fetch('http://bob/', { headers: { connection: 'close' } }).then((it) => it.text()),
      );
      await showTab(page, 'Events');
      await page.getByRole('tabpanel', { name: 'Events' }).getByText('alice connected to bob:80').waitFor();
      await page.getByText(/ended the connection with/).waitFor();
    });
  });

  test('it pauses, and steps from packet to packet, by keys', async () => {
    await withPage(THREE, async (page, lab) => {
      await lab.hosts.alice!.ping('bob', ONE_PING);
      // that on lan is the last one, and may come after that on wan
      await page
        .getByRole('option', { name: /lan.*echo reply/ })
        .first()
        .waitFor();
      await page.getByRole('heading', { name: 'ioth lab' }).click();
      await page.keyboard.press(' ');
      await box(page, '▶ Live').waitFor();
      await page.keyboard.press('/');
      await page.keyboard.type('icmp lan echo');
      await page.keyboard.press('Escape');
      await page.keyboard.press('ArrowLeft');
      const chosen = page.locator('.row.chosen .info');
      await until('the last one is chosen', async () => (await chosen.textContent()) === 'echo reply, number 1');
      await page.keyboard.press('ArrowLeft');
      await until('the one before is chosen', async () => (await chosen.textContent()) === 'echo request, number 1');
      expect(await packets(page).getByRole('option').count()).toBe(1);
      // what comes meanwhile waits
      await lab.hosts.alice!.ping('bob', ONE_PING);
      await page.keyboard.press('ArrowRight');
      await until('the reply is chosen again', async () => (await chosen.textContent()) === 'echo reply, number 1');
      await page.keyboard.press(' ');
      await box(page, '❚❚ Pause').waitFor();
    });
  });
});

describe('a host', () => {
  test('has addresses, routes, sockets and programs', async () => {
    await withPage(THREE, async (page, lab) => {
      await serveHttp(lab, 'bob');
      const program = lab.hosts.bob!.spawn('sleep', ['1000']);
      await box(page, 'Host bob').click();
      const panel = page.getByRole('complementary', { name: 'Chosen part' });
      for (const text of ['10.1.0.2/24', '10.0.0.0/24 via 10.1.0.1', 'LISTEN', 'sleep 1000']) {
        await panel.getByText(text, { exact: false }).first().waitFor();
      }
      program.kill();
    });
  });

  test('a router shows the mappings of its NAT', async () => {
    await withPage(topologyConfig('nat'), async (page, lab) => {
      const router = Object.values(lab.hosts).find(({ state }) => state.nat)!;
      await lab.hosts.alice!.ping('server', ONE_PING);
      await box(page, `Host ${router.name}`).click();
      await page.getByRole('heading', { name: 'NAT mappings' }).waitFor();
      await page
        .getByText(/icmp 192\.168\..* → /)
        .first()
        .waitFor();
      await showTab(page, 'Events');
    });
  });

  test('a terminal in it runs ip addr, and knows its size', async () => {
    await withPage(THREE, async (page, lab) => {
      await box(page, 'Host alice').click();
      await click(page, 'Terminal');
      const terminal = page.locator('.terminal .xterm-rows');
      await terminal.waitFor();
      await until('there is a prompt', async () => /[$#]/.test((await terminal.textContent()) ?? ''));
      await page.keyboard.type('ip addr; stty size | tr " " x\n');
      await terminal.getByText('inet 10.0.0.1/24').waitFor();
      await until('the size is told', async () => /\d+x\d+/.test((await terminal.textContent()) ?? ''));
      const size = /(\d+)x(\d+)/.exec((await terminal.textContent()) ?? '')!;
      await page.setViewportSize({ width: 900, height: 700 });
      await page.keyboard.type('clear; stty size | tr " " x\n');
      await until('the size is another', async () => {
        const text = (await terminal.textContent()) ?? '';
        if (/\d+x\d+/.test(text) && !text.includes(size[0])) return true;
        await page.keyboard.type('clear; stty size | tr " " x\n');
        return false;
      });
      await page.keyboard.type('exit\n');
      await page.getByText('No terminal is open.').waitFor();
      expect(lab.hosts.alice!.isUp).toBe(true);
    });
  });

  test('a terminal ends with its page', async () => {
    await withPage(THREE, async (page, lab, { url }) => {
      await box(page, 'Host alice').click();
      await click(page, 'Terminal');
      await page.locator('.terminal .xterm-rows').getByText(/[$#]/).first().waitFor();
      await page.goto('about:blank');
      const other = await browser.open(url);
      await box(other, 'Host alice').click();
      await other.getByText('10.0.0.1/24').first().waitFor();
      await until('the shell has ended', async () => !(await other.getByText('Programs').isVisible()));
      await other.close();
      expect(lab.closed).toBe(false);
    });
  });
});

describe('the page', () => {
  test.each([
    [1280, 800, 'light'],
    [1280, 800, 'dark'],
    [390, 844, 'light'],
    [390, 844, 'dark'],
  ] as const)('fits %i × %i, %s, and all that can be used has a name', async (width, height, scheme) => {
    await withPage(
      THREE,
      async (page, lab) => {
        await lab.hosts.alice!.ping('bob', ONE_PING);
        for (const part of ['Host alice', 'Network wan', 'Link of bob to wan']) {
          await box(page, part).press('Enter');
          await page.locator('.panel h2').waitFor();
          expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
          const nameless = await page.evaluate(`
            [...document.querySelectorAll('button, input, select, [role=button], [tabindex="0"]')]
              .filter((element) => !(element.ariaLabel || element.textContent.trim() || element.closest('label')?.textContent.trim()))
              .map((element) => element.outerHTML)`);
          expect(nameless).toEqual([]);
        }
        const background = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
        const [red = 0] = String(background).match(/\d+/g)!.map(Number);
        expect(red > 128).toBe(scheme === 'light');
      },
      { width, height, scheme },
    );
  });

  test('says when the lab has ended', async () => {
    const lab = await Lab.create(THREE);
    const page = await browser.open((await lab.serve()).url);
    await page.getByText('live', { exact: true }).waitFor();
    await lab.close();
    await page.getByText('the lab has ended').waitFor();
    await page.close();
    browser.complaints.length = 0;
  });
});
