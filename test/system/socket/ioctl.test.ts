import { AF_INET, SOCK_DGRAM, type Stack } from 'ioth';
import { aloneStack } from '../../support/network.js';
import { awaitData, udpOn } from '../../support/sockets.js';

const [FIONREAD, SIOCGIFMTU, SIOCGIFADDR] = [0x541b, 0x8921, 0x8915];
/** struct ifreq. */
const IFREQ_SIZE = 40;

let stack: Stack;
beforeAll(() => {
  stack = aloneStack();
});
afterAll(() => stack.close());

test('a number comes back: FIONREAD', async () => {
  const [server, address] = udpOn(stack, '10.0.0.1');
  expect(server.ioctl(FIONREAD)).toBe(0);
  using client = stack.socket(AF_INET, SOCK_DGRAM);
  await client.sendto('seven b', address);
  awaitData(server);
  expect(server.ioctl(FIONREAD, 0)).toBe(7);
  server.close();
});

test('a struct comes back, and the given one is as it was: SIOCGIFMTU, SIOCGIFADDR of the stack', () => {
  using socket = stack.socket(AF_INET, SOCK_DGRAM);
  const ifreq = Buffer.alloc(IFREQ_SIZE);
  ifreq.write('vde0');
  const before = Buffer.from(ifreq);
  const mtu = socket.ioctl(SIOCGIFMTU, ifreq);
  expect([mtu.length, mtu.toString('latin1', 0, 4), mtu.readInt32LE(16)]).toEqual([IFREQ_SIZE, 'vde0', 1500]);
  const address = socket.ioctl(SIOCGIFADDR, ifreq);
  expect([...address.subarray(20, 24)]).toEqual([10, 0, 0, 1]);
  expect(ifreq).toEqual(before);
});

test('fails with the errno, and refuses what would break the socket', () => {
  using socket = stack.socket(AF_INET, SOCK_DGRAM);
  const ifreq = Buffer.alloc(IFREQ_SIZE);
  ifreq.write('nosuch');
  const call = (...args: unknown[]) => expect(() => Reflect.apply(socket.ioctl, socket, args));
  call(SIOCGIFMTU, ifreq).toThrow(expect.objectContaining({ code: 'ENODEV', syscall: 'ioctl' }));
  call(0x1234).toThrow(expect.objectContaining({ code: expect.stringMatching(/^ENOTTY|EINVAL$/) }));
  // FIONBIO, SIOCGIFCONF
  for (const refused of [0x5421, 0x8912]) {
    call(refused).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  }
  call(-1).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  call(FIONREAD, 'text').toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  call(FIONREAD, new ArrayBuffer(4)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  socket.close();
  call(FIONREAD).toThrow(expect.objectContaining({ code: 'EBADF', syscall: 'ioctl' }));
});
