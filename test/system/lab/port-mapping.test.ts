import type { Socket } from 'ioth';
import type { Lab, LabHost } from 'ioth/lab';
import { makePatient, passesNat, patientLab, udpSocket } from '../../support/lab-hosts.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { until } from '../../support/until.js';

/* Ports that programs ask a NAT for: NAT-PMP and PCP, by hand. */

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

const FRITZ = '203.0.113.2';

function labWithMapper() {
  return patientLab({
    networks: { internet: '203.0.113.0/24', home: '192.168.1.0/24' },
    hosts: {
      meet: 'internet',
      fritz: { networks: ['home', 'internet'], nat: { type: 'symmetric', portMapping: true } },
      alice: 'home',
      carol: 'home',
    },
  });
}

async function ask(host: LabHost, message: Buffer): Promise<Buffer> {
  using socket = udpSocket(host);
  await socket.sendto(message, '192.168.1.1:5351');
  return await socket.recv(2000);
}

/** A request of NAT-PMP: opcode 1 is UDP, 2 TCP. */
function natPmp(opcode: number, internal: number, suggested: number, lifetime: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes[1] = opcode;
  bytes.writeUInt16BE(internal, 4);
  bytes.writeUInt16BE(suggested, 6);
  bytes.writeUInt32BE(lifetime, 8);
  return bytes;
}

/** The result, the port outside and the seconds of an answer of NAT-PMP. */
function granted(answer: Buffer): [result: number, port: number, lifetime: number] {
  return [answer.readUInt16BE(2), answer.readUInt16BE(10), answer.readUInt32BE(12)];
}

/** A MAP request of PCP. */
function pcp(
  client: string,
  internal: number,
  suggested: number,
  lifetime: number,
  { opcode = 1, protocol = 17 } = {},
): Buffer {
  const bytes = Buffer.alloc(60);
  bytes[0] = 2;
  bytes[1] = opcode;
  bytes.writeUInt32BE(lifetime, 4);
  Buffer.from(`00000000000000000000ffff${Buffer.from(client.split('.').map(Number)).toString('hex')}`, 'hex').copy(
    bytes,
    8,
  );
  bytes.write('nonce of 12.', 24);
  bytes[36] = protocol;
  bytes.writeUInt16BE(internal, 40);
  bytes.writeUInt16BE(suggested, 42);
  return bytes;
}

/** Returns whether a datagram from outside to a port of the NAT arrives. */
async function reaches(lab: Lab, port: number, receiver: Socket): Promise<boolean> {
  using sender = udpSocket(lab.hosts.meet!);
  return await passesNat(lab, sender, `${FRITZ}:${port}`, receiver);
}

it('NAT-PMP: the address outside; a port that is mapped, renewed, and given back', async () => {
  await using lab = await labWithMapper();
  const { alice, carol } = lab.hosts;
  expect((await ask(alice, Buffer.of(0, 0))).subarray(8)).toEqual(Buffer.from([203, 0, 113, 2]));
  using socket = udpSocket(alice, 5000);
  expect(await reaches(lab as Lab, 7000, socket)).toBe(false);
  expect(granted(await ask(alice, natPmp(1, 5000, 7000, 60)))).toEqual([0, 7000, 60]);
  expect(await reaches(lab as Lab, 7000, socket)).toBe(true);
  expect(granted(await ask(alice, natPmp(1, 5000, 9, 1_000_000)))).toEqual([0, 7000, 7200]);
  expect(granted(await ask(carol, natPmp(1, 5000, 7000, 60)))).toEqual([0, 7001, 60]);
  expect(granted(await ask(alice, natPmp(1, 5000, 0, 0)))).toEqual([0, 0, 0]);
  expect(await reaches(lab as Lab, 7000, socket)).toBe(false);
  expect((await ask(alice, Buffer.of(0, 9))).readUInt16BE(2)).toBe(5);
});

it('PCP: a port, for its own address only, and errors that say why', async () => {
  await using lab = await labWithMapper();
  const { alice } = lab.hosts;
  using socket = udpSocket(alice, 5000);
  const request = pcp('192.168.1.2', 5000, 7000, 60);
  const answer = await ask(alice, request);
  expect([answer[0], answer[1], answer[3], answer.readUInt32BE(4), answer.readUInt16BE(42)]).toEqual([
    2, 129, 0, 60, 7000,
  ]);
  expect(answer.subarray(24, 36)).toEqual(request.subarray(24, 36));
  expect(answer.subarray(56)).toEqual(Buffer.from([203, 0, 113, 2]));
  expect(await reaches(lab as Lab, 7000, socket)).toBe(true);
  const resultOf = async (message: Buffer) => (await ask(alice, message))[3];
  expect(await resultOf(pcp('192.168.1.3', 5000, 7000, 60))).toBe(12); // ADDRESS_MISMATCH
  expect(await resultOf(pcp('192.168.1.2', 5000, 7000, 60, { opcode: 7 }))).toBe(4); // UNSUPP_OPCODE
  expect(await resultOf(pcp('192.168.1.2', 5000, 7000, 60, { protocol: 132 }))).toBe(9); // UNSUPP_PROTOCOL
  expect(await resultOf(Buffer.concat([request, Buffer.of(1, 0, 0, 0)]))).toBe(5); // UNSUPP_OPTION
  const later = Buffer.from(request);
  later[0] = 3;
  expect(await resultOf(later)).toBe(1); // UNSUPP_VERSION
  expect(await resultOf(pcp('192.168.1.2', 5000, 0, 0))).toBe(0);
  expect(await reaches(lab as Lab, 7000, socket)).toBe(false);
});

it('what is asked for ends with its time, and with the router', async () => {
  await using lab = await labWithMapper();
  const { fritz, alice } = lab.hosts;
  await ask(alice, natPmp(2, 80, 8080, 1));
  const isThere = async () => (await fritz.nat.mappings()).some(({ outside }) => outside === `${FRITZ}:8080`);
  await until('the port has ended', async () => !(await isThere()));
  await ask(alice, natPmp(2, 80, 8080, 3600));
  expect(await isThere()).toBe(true);
  await lab.restart('fritz');
  makePatient(lab);
  expect(await isThere()).toBe(false);
  expect(granted(await ask(alice, natPmp(2, 80, 8080, 3600)))).toEqual([0, 8080, 3600]);
});

it('a port that the lab forwards elsewhere is not the client’s any more', async () => {
  await using lab = await labWithMapper();
  const { fritz, alice } = lab.hosts;
  const carols = { protocol: 'tcp', port: 8080, to: 'carol', toPort: 80 } as const;
  const insides = async () => (await fritz.nat.mappings()).map(({ inside, outside }) => `${outside} ${inside}`).sort();
  await ask(alice, natPmp(2, 80, 8080, 60));
  await fritz.nat.forward(carols);
  expect(await insides()).toEqual([`${FRITZ}:8080 192.168.1.3:80`]);
  expect(granted(await ask(alice, natPmp(2, 80, 8080, 60)))).toEqual([0, 8081, 60]);
  expect(await insides()).toEqual([`${FRITZ}:8080 192.168.1.3:80`, `${FRITZ}:8081 192.168.1.2:80`]);
  await ask(alice, natPmp(2, 80, 0, 0));
  expect(await insides()).toEqual([`${FRITZ}:8080 192.168.1.3:80`]);
});

it('takes any bytes', async () => {
  await using lab = await labWithMapper();
  const { alice } = lab.hosts;
  using socket = udpSocket(alice);
  for (let i = 0; i < 200; i++) {
    const bytes = i % 2 === 0 ? natPmp(i % 7, i, i, i) : pcp('192.168.1.2', i, i, i);
    const cut = bytes.subarray(0, (i * 7) % bytes.length);
    if (cut.length > 1) cut[(i * 13) % cut.length] = i;
    await socket.sendto(cut, '192.168.1.1:5351');
  }
  expect(granted(await ask(alice, natPmp(1, 5000, 7000, 60)))).toEqual([0, expect.any(Number), 60]);
});
