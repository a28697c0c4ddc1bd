import { createServer, type Server } from 'node:http';
import { AF_INET, SO_BROADCAST, SOCK_DGRAM, SOL_SOCKET } from 'ioth';
import { Lab } from 'ioth/lab';
import { Browser } from '../../support/browser.js';
import { workDirectory } from '../../support/directory.js';
import { patientLab } from '../../support/lab-hosts.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { PATIENCE_MS, until } from '../../support/until.js';

/* What others choose must do nothing to the page of a lab, nor other pages to the lab. */

const HTML = '<img src=x onerror=hacked=1>';
const ESCAPES = '\u001b[2J\u202e';
const CONFIG = { networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan', bob: 'lan' } } as const;

let browser: Browser;
let before: Holdings;
beforeAll(async () => {
  browser = await Browser.start();
});
afterAll(() => browser?.close());
beforeEach(() => {
  before = holdings();
  browser.complaints.length = 0;
});
afterEach(() => expectNothingLeft(before));

/** A name of DNS, with any bytes in its labels. */
function dnsName(...labels: string[]): Buffer {
  const parts = labels.map((label) => {
    const bytes = Buffer.from(label);
    return Buffer.concat([Buffer.of(bytes.length), bytes]);
  });
  return Buffer.concat([...parts, Buffer.of(0)]);
}

/** An answer of DNS: its question, and a CNAME, have such names. */
function hostileAnswer(): Buffer {
  const name = dnsName(HTML, ESCAPES, 'test');
  const head = Buffer.from([0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
  const answer = Buffer.concat([name, Buffer.from([0, 5, 0, 1, 0, 0, 0, 60, 0, name.length]), name]);
  return Buffer.concat([head, name, Buffer.from([0, 5, 0, 1]), answer]);
}

/** An answer of DHCP with such a host name. */
function hostileLease(): Buffer {
  const name = Buffer.from(`${HTML}${ESCAPES}`);
  const head = Buffer.alloc(240);
  head[0] = 2;
  head.set([10, 0, 0, 9], 16);
  head.writeUInt32BE(0x63825363, 236);
  return Buffer.concat([head, Buffer.of(53, 1, 5), Buffer.of(12, name.length), name, Buffer.of(255)]);
}

async function sendFrom(lab: Lab, port: number, data: Buffer, to: [string, number]): Promise<void> {
  const socket = lab.hosts.alice!.stack.socket(AF_INET, SOCK_DGRAM);
  socket.setsockopt(SOL_SOCKET, SO_BROADCAST, 1);
  socket.bind(['10.0.0.1', port]);
  await socket.sendto(data, to);
  socket.close();
}

async function sendHostile(lab: Lab): Promise<void> {
  await sendFrom(lab, 53, hostileAnswer(), ['10.0.0.2', 5000]);
  await sendFrom(lab, 67, hostileLease(), ['10.0.0.255', 68]);
}

const ESCAPED = /<img src=x onerror=hacked=1>.*\\027\[2J/;

test('answers of DNS and DHCP that are made of HTML and escapes are text', async () => {
  await using lab = (await patientLab(CONFIG)) as Lab;
  const page = await browser.open((await lab.serve()).url);
  await page.getByText('live', { exact: true }).waitFor();
  await sendHostile(lab);
  await page.getByLabel('Filter of packets').fill('dns');
  await page.getByRole('option', { name: ESCAPED }).first().click();
  await page.getByRole('region', { name: 'Packet' }).getByText(ESCAPED).first().waitFor();
  await page.getByLabel('Filter of packets').fill('dhcp');
  await page.getByRole('option', { name: ESCAPED }).first().click();
  await page.getByRole('tab', { name: 'Events' }).click();
  await page.getByText(ESCAPED).filter({ hasText: 'lease' }).waitFor();
  await page.getByRole('tab', { name: 'Sequence' }).click();
  await page.locator('.arrow', { hasText: HTML }).first().waitFor();
  expect(await page.evaluate('typeof hacked')).toBe('undefined');
  expect(await page.locator('img').count()).toBe(0);
  expect(browser.complaints).toEqual([]);
  await page.close();
});

test('a report opens without a network, and its test and error are text', async () => {
  const { dir, remove } = workDirectory();
  const lab = (await patientLab(CONFIG)) as Lab;
  expect((await lab.hosts.alice!.ping('bob', { count: 1, timeout: PATIENCE_MS })).received).toBe(1);
  await sendHostile(lab);
  const error = `expected </script><script>hacked=1</script> <!-- ${HTML}${ESCAPES}\nat line 2`;
  await lab.report(`${dir}/lab.html`, { test: { name: `a ${HTML} test`, error } });
  await lab.close();
  const page = await browser.open(`file://${dir}/lab.html`);
  await page.getByText('report of a failed test').waitFor();
  expect(await page.locator('.failure').textContent()).toBe(error.replace(ESCAPES, '\\027[2J\\226\\128\\174'));
  await page.getByRole('heading', { name: `a ${HTML} test` }).waitFor();
  await page
    .getByRole('option', { name: /echo reply/ })
    .first()
    .click();
  await page.getByText(/From bob on lan: reached alice/).waitFor();
  await page.getByRole('tab', { name: 'Sequence' }).click();
  await page.locator('.arrow', { hasText: 'alice to bob: ICMP echo request' }).first().waitFor();
  await page.getByRole('button', { name: 'One packet back' }).click();
  await page.getByRole('button', { name: '▶ End' }).waitFor();
  expect(await page.getByRole('tab').allTextContents()).toEqual(['Packets', 'Sequence', 'Events']);
  expect(await page.evaluate('typeof hacked')).toBe('undefined');
  expect(browser.complaints).toEqual([]);
  await page.close();
  await remove();
});

test('names that are not plain are refused before a page could have them', async () => {
  for (const name of [HTML, ESCAPES, 'a b', '"']) {
    await expect(Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts: { [name]: 'lan' } })).rejects.toThrow(
      'name of a host',
    );
    await expect(Lab.create({ networks: { [name]: '10.0.0.0/24' }, hosts: { a: name } })).rejects.toThrow(
      'name of a network',
    );
  }
});

test('another page of this browser gets nothing, and can do nothing', async () => {
  await using lab = (await patientLab(CONFIG)) as Lab;
  const served = await lab.serve();
  const other: Server = createServer((_, response) =>
    response.setHeader('content-type', 'text/html').end('<body>other'),
  );
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  const { port } = other.address() as { port: number };
  const page = await browser.open(`http://127.0.0.1:${port}/`);
  const url = JSON.stringify(served.url);
  const found = await page.evaluate(`(async () => {
    const url = ${url};
    const at = (path) => url.replace('/?', path + '?');
    const action = JSON.stringify({ do: 'down', host: 'bob' });
    const tried = async (what) => { try { return (await what()).type; } catch { return 'refused'; } };
    const event = (target, good) => new Promise((done) => {
      target.addEventListener(good, () => done('open'));
      target.addEventListener('error', () => done('refused'));
    });
    const frame = document.createElement('iframe');
    frame.src = url;
    document.body.append(frame);
    await new Promise((done) => { frame.onload = done; });
    let inFrame;
    try { inFrame = frame.contentDocument?.body?.textContent ?? 'refused'; } catch { inFrame = 'refused'; }
    const script = document.createElement('script');
    script.src = at('/terminal.js');
    const loaded = event(script, 'load');
    document.body.append(script);
    return {
      fetch: await tried(() => fetch(url)),
      json: await tried(() => fetch(at('/act'), { method: 'POST', headers: { 'content-type': 'application/json' }, body: action })),
      opaque: await tried(() => fetch(at('/act'), { method: 'POST', mode: 'no-cors', body: action })),
      events: await event(new EventSource(at('/events')), 'open'),
      socket: await event(new WebSocket(at('/events').replace('http', 'ws')), 'open'),
      script: await loaded,
      frame: inFrame,
    };
  })()`);
  expect(found).toEqual({
    fetch: 'refused',
    json: 'refused',
    // an answer that nobody may read, or none
    opaque: expect.stringMatching(/opaque|refused/),
    events: 'refused',
    socket: 'refused',
    script: 'refused',
    frame: expect.not.stringContaining('ioth lab'),
  });
  expect(lab.hosts.bob!.isUp).toBe(true);
  await page.close();
  await new Promise((done) => other.close(done).closeAllConnections());
});

test('the page asks nobody but its lab', async () => {
  await using lab = (await patientLab(CONFIG)) as Lab;
  const { url, port } = await lab.serve();
  const page = await browser.open('about:blank');
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(url);
  await page.getByRole('button', { name: 'Host alice' }).click();
  await page.getByRole('button', { name: 'Terminal', exact: true }).click();
  await until('the terminal was asked for', () => asked.some((each) => each.includes('/terminal.js')));
  const origins = new Set(asked.filter((each) => !each.startsWith('data:')).map((each) => new URL(each).origin));
  expect([...origins]).toEqual([`http://127.0.0.1:${port}`]);
  await page.close();
});
