import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { AF_INET, close, SO_RCVTIMEO, SO_TYPE, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, SOL_SOCKET, Stack } from 'ioth';
import { libc } from '../../../ffi/libc.js';
import { loadLibrary } from '../../../ffi/loader.js';
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

/** C waits for its answers without a limit of its own. */
function takeReplyTimeoutAway(): void {
  const [type, length] = [new Int32Array(1), new Uint32Array([4])];
  const never = new Uint8Array(16);
  for (const fd of readdirSync('/proc/self/fd').map(Number)) {
    libc().getsockopt(fd, SOL_SOCKET, SO_TYPE, new Uint8Array(type.buffer), length);
    // the command pipe of the one stack that is there
    if (type[0] === SOCK_SEQPACKET) libc().setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, never, never.length);
    type[0] = 0;
  }
}

test('C gets its socket from a daemon that is slow, and its answer is nobody else’s', async () => {
  signal('SIGSTOP');
  const asked = socketByC();
  // ten times as long as C is told to wait where it does not ask by itself
  await delay(20);
  signal('SIGCONT');
  const fd = await asked;
  expect(fd).toBeGreaterThanOrEqual(0);
  close(fd);
  using socket = stack.socket(AF_INET, SOCK_STREAM);
  expect(socket.getsockopt(SOL_SOCKET, SO_TYPE)).toBe(SOCK_STREAM);
});

test('C that waits for a daemon that dies is refused', async () => {
  stack.on('error', () => {});
  const closed = new Promise<void>((resolve) => stack.once('close', resolve));
  signal('SIGSTOP');
  const asked = socketByC();
  // without the refusal nothing would end the wait
  takeReplyTimeoutAway();
  await delay(20);
  signal('SIGKILL');
  expect(await asked).toBe(-1);
  await closed;
});
