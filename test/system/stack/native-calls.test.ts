import { setTimeout as delay } from 'node:timers/promises';
import { loadLibrary } from '../../../ffi/loader.js';
import { AF_INET, SO_TYPE, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET } from '../../../lib/constants/index.js';
import { close } from '../../../lib/socket/adopt.js';
import { Stack } from '../../../lib/stack/stack.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';

// What libiothconf and libiothdns do on threads of their own: ioth_msocket, whose failure they take as it is.
const msocket = loadLibrary('ioth').func('ioth_msocket', 'int', ['void *', 'int', 'int', 'int']);

let before: Holdings;
let stack: Stack;
beforeEach(() => {
  before = holdings();
  stack = new Stack('vdestack', 'null://');
});
afterEach(async () => {
  await stack.close();
  await expectNothingLeft(before);
});

function signal(name: NodeJS.Signals): void {
  process.kill(stack.daemonPid as number, name);
}

/** The descriptor of a datagram socket that C asks for on a thread of its own, or -1. */
function socketByC(): Promise<number> {
  const endNativeCall = stack.beginNativeCall();
  return new Promise((resolve, reject) => {
    msocket.async(stack.pointer('test'), AF_INET, SOCK_DGRAM, 0, (error: Error | null, fd: number) => {
      endNativeCall();
      if (error) reject(error);
      else resolve(fd);
    });
  });
}

test('C gets its socket from a daemon that is slow, and its answer is nobody else’s', async () => {
  signal('SIGSTOP');
  const asked = socketByC();
  await delay(100);
  signal('SIGCONT');
  const fd = await asked;
  expect(fd).toBeGreaterThanOrEqual(0);
  close(fd);
  using socket = stack.socket(AF_INET, SOCK_STREAM);
  expect(socket.getsockopt(SOL_SOCKET, SO_TYPE)).toBe(SOCK_STREAM);
});

test('C that waits for a daemon that dies is refused at once', async () => {
  stack.on('error', () => {});
  const closed = new Promise<void>((resolve) => stack.once('close', resolve));
  signal('SIGSTOP');
  const asked = socketByC();
  await delay(100);
  const start = performance.now();
  signal('SIGKILL');
  expect(await asked).toBe(-1);
  // without the refusal its own limit, a second, would end the wait
  expect(performance.now() - start).toBeLessThan(500);
  await closed;
});
