import { encodeMessage, ifinfomsg } from '../../../lib/netlink/message.js';
import { dump, request } from '../../../lib/netlink/request.js';

/** A stack that answers from a script: what picox does, and what no stack should. */
const fake = {
  seq: 0,
  sent: [] as Buffer[],
  open: 0,
  clock: 0,
  errno: 0,
  answers: [] as ((seq: number) => Buffer | number)[],
};

const POLLIN = 1;

jest.mock('../../../ffi/ioth.js', () => ({
  libioth: () => ({
    msocket: () => {
      fake.open++;
      return 1000;
    },
    bind: () => 0,
    setsockopt: () => -1,
    send: (_fd: number, bytes: Buffer) => {
      fake.sent.push(Buffer.from(bytes));
      fake.seq = bytes.readUInt32LE(8);
      return bytes.length;
    },
    recv: (_fd: number, buffer: Buffer) => {
      const answer = fake.answers.shift()?.(fake.seq) ?? 11;
      if (typeof answer === 'number') {
        fake.errno = answer;
        return -1;
      }
      buffer.set(answer.subarray(0, buffer.length));
      return answer.length;
    },
    close: () => {
      fake.open--;
      return 0;
    },
  }),
}));
jest.mock('../../../lib/io/signal-mask.js', () => ({ withSignalsBlocked: <T>(work: () => T) => work() }));
jest.mock('../../../ffi/libc.js', () => ({
  ...jest.requireActual<object>('../../../ffi/libc.js'),
  errno: () => fake.errno,
  libc: () => ({
    poll: (fds: Buffer, _nfds: number, timeout: number) => {
      const isReady = fake.answers.length > 0;
      fake.clock += isReady ? 1 : timeout;
      fds.writeInt16LE(isReady ? POLLIN : 0, 6);
      return isReady ? 1 : 0;
    },
  }),
}));

beforeEach(() => {
  Object.assign(fake, { open: 0, clock: 0, sent: [] });
  jest.spyOn(performance, 'now').mockImplementation(() => fake.clock);
});
afterEach(() => {
  expect(fake.open).toBe(0);
  fake.answers = [];
  jest.restoreAllMocks();
});

const link =
  (index: number, flags = 0) =>
  (seq: number) =>
    encodeMessage({ type: 16, flags, seq }, ifinfomsg(index));
const error = (code: number) => (seq: number) => {
  const payload = Buffer.alloc(20);
  payload.writeInt32LE(code);
  return encodeMessage({ type: 2, flags: 0, seq }, payload);
};
const done =
  (flags = 0) =>
  (seq: number) =>
    encodeMessage({ type: 3, flags, seq }, Buffer.alloc(4));
const ask = () => request(1n, 'RTM_GETLINK', ifinfomsg());
const askAll = () => dump(1n, 'RTM_GETLINK', ifinfomsg()).map(({ payload }) => payload.readInt32LE(4));

test('data without an acknowledgement ends a request', () => {
  fake.answers = [link(5)];
  expect(ask()?.payload.readInt32LE(4)).toBe(5);
});

test('an acknowledgement may carry a positive number', () => {
  fake.answers = [error(77)];
  expect(ask()).toBeUndefined();
});

test('ENODATA, EAGAIN and EINTR are waits; answers to others are passed over', () => {
  fake.answers = [() => 61, () => 11, () => 4, (seq) => link(1)(seq + 1), link(2)];
  expect(ask()?.payload.readInt32LE(4)).toBe(2);
});

test('another error of recv is the error', () => {
  fake.answers = [() => 105];
  expect(ask).toThrow(expect.objectContaining({ code: 'ENOBUFS', syscall: 'RTM_GETLINK' }));
});

test('silence ends after two seconds', () => {
  expect(ask).toThrow(expect.objectContaining({ code: 'ETIMEDOUT', syscall: 'RTM_GETLINK' }));
  expect(fake.clock).toBe(2000);
});

test('a stack that only answers others does not hold us', () => {
  fake.answers = Array.from({ length: 3000 }, () => (seq: number) => {
    fake.clock++;
    return link(1)(seq + 1);
  });
  expect(ask).toThrow(expect.objectContaining({ code: 'ETIMEDOUT' }));
});

test.each([
  ['nothing', Buffer.alloc(0), 'EBADMSG'],
  ['a length past the end', Buffer.alloc(16, 0xff), 'EBADMSG'],
  ['more than the buffer', Buffer.alloc(70_000), 'EMSGSIZE'],
])('%s', (_, bytes, code) => {
  fake.answers = [() => bytes];
  expect(ask).toThrow(expect.objectContaining({ code }));
});

test('an error without its number', () => {
  fake.answers = [(seq) => encodeMessage({ type: 2, flags: 0, seq }, Buffer.alloc(0))];
  expect(ask).toThrow(expect.objectContaining({ code: 'EBADMSG' }));
});

test('a dump of one message a datagram', () => {
  fake.answers = [link(1), link(2), done()];
  expect(askAll()).toEqual([1, 2]);
});

test('a dump that ends in an error', () => {
  fake.answers = [link(1), error(-1)];
  expect(askAll).toThrow(expect.objectContaining({ code: 'EPERM' }));
});

test('an inconsistent dump starts again', () => {
  fake.answers = [link(1, 0x10), done(), link(1), link(2), done()];
  expect(askAll()).toEqual([1, 2]);
  expect(fake.sent).toHaveLength(2);
});

test('a configuration that never rests', () => {
  fake.answers = Array.from({ length: 100 }, () => done(0x10));
  expect(askAll).toThrow(expect.objectContaining({ code: 'EAGAIN' }));
  expect(fake.sent).toHaveLength(10);
});
