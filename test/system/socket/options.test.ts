import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_RCVTIMEO,
  SO_REUSEADDR,
  SO_TYPE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  Socket,
  Stack,
  TCP_KEEPIDLE,
  TCP_NODELAY,
} from 'ioth';

let stack: Stack;
beforeAll(() => {
  stack = new Stack('kernel');
});
afterAll(() => stack.close());

test('socket() has the defaults of Python and checks its arguments', () => {
  using socket = stack.socket();
  expect(socket).toBeInstanceOf(Socket);
  expect(socket).toMatchObject({ family: AF_INET, type: SOCK_STREAM, proto: 0, stack, closed: false });
  expect(socket.fileno()).toBeGreaterThan(2);
  expect(() => stack.socket('inet' as unknown as number)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining('family') }),
  );
  expect(() => stack.socket(AF_INET, -1)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  expect(() => stack.socket(AF_INET, SOCK_STREAM, 1.5)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
});

test('SOCK_NONBLOCK and SOCK_CLOEXEC are flags, not part of the type', () => {
  using socket = stack.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
  expect([socket.type, socket.getblocking()]).toEqual([SOCK_DGRAM, false]);
});

test('an option is an integer or a boolean', () => {
  using socket = stack.socket();
  expect(socket.getsockopt(SOL_SOCKET, SO_REUSEADDR)).toBe(0);
  socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, true);
  expect(socket.getsockopt(SOL_SOCKET, SO_REUSEADDR)).toBe(1);
  socket.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
  socket.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, 77);
  socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, true);
  expect(socket.getsockopt(IPPROTO_TCP, TCP_KEEPIDLE)).toBe(77);
  expect(socket.getsockopt(IPPROTO_TCP, TCP_NODELAY)).toBe(1);
  using six = stack.socket(AF_INET6);
  six.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1);
  expect(six.getsockopt(IPPROTO_IPV6, IPV6_V6ONLY)).toBe(1);
});

test('an option is the bytes of a struct', () => {
  using socket = stack.socket();
  // struct linger: on, seconds
  const linger = Buffer.from(new Int32Array([1, 5]).buffer);
  socket.setsockopt(SOL_SOCKET, SO_LINGER, linger);
  expect(socket.getsockopt(SOL_SOCKET, SO_LINGER, 8)).toEqual(linger);
  // C tells how long the option is
  expect(socket.getsockopt(SOL_SOCKET, SO_TYPE, 100)).toHaveLength(4);
  socket.setsockopt(SOL_SOCKET, SO_RCVTIMEO, new BigInt64Array([3n, 0n]));
  expect(socket.getsockopt(SOL_SOCKET, SO_RCVTIMEO, 16).readBigInt64LE()).toBe(3n);
});

test('options that are not there and values that are none are refused', () => {
  using socket = stack.socket();
  expect(() => socket.getsockopt(SOL_SOCKET, 9999)).toThrow(
    expect.objectContaining({ code: 'ENOPROTOOPT', syscall: 'getsockopt' }),
  );
  expect(() => socket.setsockopt(SOL_SOCKET, SO_LINGER, 1)).toThrow(
    expect.objectContaining({ code: 'EINVAL', syscall: 'setsockopt' }),
  );
  expect(() => socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 'on' as unknown as number)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
  );
  expect(() => socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 2 ** 31)).toThrow(
    expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
  );
  expect(() => socket.getsockopt(SOL_SOCKET, SO_LINGER, 0)).toThrow(
    expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
  );
});

test('a socket is closed once, and by `using`', () => {
  let inner: Socket;
  {
    using socket = stack.socket();
    inner = socket;
    expect(inner.closed).toBe(false);
  }
  expect(inner.closed).toBe(true);
  expect(inner.fileno()).toBe(-1);
  inner.close();
});
