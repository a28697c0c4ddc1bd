import * as dnsPacket from 'dns-packet';
import { SO_RCVBUF, SO_SNDBUF, SOL_SOCKET } from 'ioth';
import { patientLab } from '../../support/lab-hosts.js';

const query = dnsPacket.encode({ type: 'query', id: 1, questions: [{ name: 'gate.lab.test', type: 'A' }] });
const QUERY = Buffer.concat([Buffer.of(0, query.length), query]);
const BLOCK = Buffer.concat(Array.from({ length: 100 }, () => QUERY));
/** More than all buffers between the two ends hold. */
const MUCH = 16 * 1024 * 1024;

test('a client of the DNS server that asks by TCP and never reads is read no more', async () => {
  await using lab = await patientLab({
    networks: { lan: '10.0.0.0/24' },
    hosts: { alice: 'lan', gate: 'lan' },
    dns: 'gate',
  });
  const { stack } = lab.hosts.alice;
  const [silent, polite] = [stack.socket(), stack.socket()];
  for (const option of [SO_RCVBUF, SO_SNDBUF]) silent.setsockopt(SOL_SOCKET, option, 4096);
  await silent.connect(['gate', 53]);
  await polite.connect(['gate', 53]);
  silent.settimeout(0);

  let written = 0;
  const write = async () => {
    const before = written;
    for (;;) {
      const count = await silent.send(BLOCK).catch(({ code }) => code === 'EAGAIN' && 0);
      if (!count) return written > before;
      written += count;
    }
  };
  // the dialogs of another client are the measure of time: in fifty of them a server that reads takes something
  for (let dialogs = 0; dialogs < 50 && written < MUCH; ) {
    dialogs = (await write()) ? 0 : dialogs + 1;
    await polite.sendall(QUERY);
    expect((await polite.recv(1000)).length).toBeGreaterThan(QUERY.length);
  }
  expect(written).toBeLessThan(MUCH);
});
