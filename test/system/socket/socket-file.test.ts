import { AF_INET, SHUT_WR, SOCK_DGRAM, type Socket, type Stack } from 'ioth';
import { aloneStack } from '../../support/network.js';

let stack: Stack;
let client: Socket;
let server: Socket;
beforeAll(() => {
  stack = aloneStack();
});
afterAll(() => stack.close());
beforeEach(() => {
  [client, server] = stack.socketpair();
});
afterEach(() => {
  client.close();
  server.close();
});

test('lines come without their ends, whatever pieces they come in', async () => {
  const file = server.makefile();
  const reading = (async () => {
    const lines: string[] = [];
    for await (const line of file) lines.push(line);
    return lines;
  })();
  for (const byte of Buffer.from('first\r\nzweite Zeile: ä\n\nlast')) await client.sendall(Uint8Array.of(byte));
  client.shutdown(SHUT_WR);
  expect(await reading).toEqual(['first', 'zweite Zeile: ä', '', 'last']);
  expect(await file.readline()).toBeNull();
  expect(server.closed).toBe(false);
});

test('a dialog: readline and write, in the encoding of the file', async () => {
  const [asking, answering] = [client.makefile({ encoding: 'latin1' }), server.makefile({ encoding: 'latin1' })];
  await asking.write('größe?\n');
  expect(await answering.readline()).toBe('größe?');
  await answering.write(Buffer.from('12\n'));
  expect(await asking.readline()).toBe('12');
});

test('read takes so many bytes, or all to the end; it goes on where readline was', async () => {
  const file = server.makefile();
  await client.sendall('head\nbodyrest of it');
  client.shutdown(SHUT_WR);
  expect(await file.readline()).toBe('head');
  expect(await file.read(4)).toEqual(Buffer.from('body'));
  expect(await file.read(0)).toHaveLength(0);
  expect(await file.read()).toBe('rest of it');
  expect(await file.read(10)).toHaveLength(0);
  expect(await file.read()).toBe('');
});

test('reads take their turns', async () => {
  const file = server.makefile();
  const reads = [file.readline(), file.read(2), file.readline()];
  await client.sendall('one\n22three\n');
  expect(await Promise.all(reads)).toEqual(['one', Buffer.from('22'), 'three']);
});

test('a read that failed has lost nothing', async () => {
  const file = server.makefile();
  server.settimeout(0.02);
  await client.sendall('half ');
  await expect(file.readline()).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  server.settimeout(60);
  await expect(file.readline({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  await client.sendall('and half\n');
  expect(await file.readline()).toBe('half and half');
});

test('a read that is aborted before its turn ends at once, and takes nothing', async () => {
  const file = server.makefile();
  const controller = new AbortController();
  const { signal } = controller;
  const [first, ...aborted] = [file.readline(), file.readline({ signal }), file.read(3, { signal })];
  const last = file.readline();
  controller.abort('enough');
  for (const read of aborted) await expect(read).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' });
  await client.sendall('one\ntwo\nthree\n');
  expect(await Promise.all([first, last])).toEqual(['one', 'two']);
  await expect(file.readline({ signal })).rejects.toMatchObject({ name: 'AbortError' });
  expect(await file.readline()).toBe('three');
});

test('a line without an end does not fill the memory, and is not lost', async () => {
  const file = server.makefile({ limit: 1000 });
  await client.sendall(`${'x'.repeat(1000)}\n`);
  expect(await file.readline()).toHaveLength(1000);
  await client.sendall(Buffer.alloc(1001, 'y'));
  await expect(file.readline()).rejects.toMatchObject({
    ...{ code: 'EMSGSIZE', message: expect.stringContaining('options.limit') },
  });
  expect(await file.read(1001)).toHaveLength(1001);
});

// in a time that grows with their square this would take as long as the suite's time-out
test('many lines are read', async () => {
  const file = server.makefile();
  const text = 'a line of text\n'.repeat(20_000);
  const sending = client.sendall(text).then(() => client.shutdown(SHUT_WR));
  let lines = 0;
  for await (const line of file) lines += line.length === 14 ? 1 : Number.NaN;
  await sending;
  expect(lines).toBe(20_000);
});

test('refuses what makes no file', async () => {
  const thrown = (options: unknown) => () => server.makefile(options as object);
  expect(thrown('r')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  expect(thrown({ encoding: 'utf16le' })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  expect(thrown({ limit: 0 })).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  expect(thrown({ lines: true })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  using udp = stack.socket(AF_INET, SOCK_DGRAM);
  expect(() => udp.makefile()).toThrow(expect.objectContaining({ code: 'ENOTSUP' }));
  const file = server.makefile();
  const waiting = file.readline();
  await expect(file.read(-1)).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
  await expect(file.readline({ singal: 1 } as object)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  await expect(file.read(1, { signal: 5 } as object)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  await expect(file.write(5 as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  await client.sendall('goes on\n');
  expect(await waiting).toBe('goes on');
});
