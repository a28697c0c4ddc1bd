import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AF_INET, SOCK_DGRAM, type Stack } from 'ioth';
import { libc } from '../../../ffi/libc.js';
import { holdings } from '../../support/leaks.js';
import { useNetwork } from '../../support/network.js';
import { pattern, receiveAll, tcpPair } from '../../support/sockets.js';

const net = useNetwork();
let a: Stack;
let b: Stack;
let path: string;
// more than socket buffers and the pieces that are read at once hold
const content = pattern(9 << 20);
beforeAll(() => {
  [a, b] = net.stacks as [Stack, Stack];
  path = join(net.dir, 'file');
  writeFileSync(path, content);
});

async function send(
  file: Parameters<Awaited<ReturnType<typeof tcpPair>>[0]['sendfile']>[0],
  offset?: number,
  count?: number,
): Promise<[sent: number, received: Buffer]> {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const receiving = receiveAll(server);
  const sent = await client.sendfile(file, offset, count);
  client.close();
  const received = await receiving;
  server.close();
  return [sent, received];
}

test('sends a whole file by its path', async () => {
  const [sent, received] = await send(path);
  expect(sent).toBe(content.length);
  expect(received.equals(content)).toBe(true);
});

test('from an offset to the end, by URL', async () => {
  const [sent, received] = await send(pathToFileURL(path), content.length - 1000);
  expect(sent).toBe(1000);
  expect(received.equals(content.subarray(-1000))).toBe(true);
});

test('a part, by descriptor, whose position stays', async () => {
  const fd = openSync(path, 'r');
  const [sent, received] = await send(fd, 70_001, 2_000_003);
  expect(sent).toBe(2_000_003);
  expect(received.equals(content.subarray(70_001, 70_001 + 2_000_003))).toBe(true);
  const first = Buffer.alloc(4);
  readSync(fd, first, 0, 4, null);
  expect(first.equals(content.subarray(0, 4))).toBe(true);
  closeSync(fd);
});

test('by FileHandle, which stays open', async () => {
  const handle = await open(path);
  const [sent, received] = await send(handle, 10, 20);
  expect(sent).toBe(20);
  expect(received.equals(content.subarray(10, 30))).toBe(true);
  expect((await handle.stat()).size).toBe(content.length);
  await handle.close();
});

test('by FileHandle, though another file has its number before all is sent', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const [handle, other] = [await open(path), openSync(__filename, 'r')];
  const { fd } = handle;
  const sending = client.sendfile(handle);
  await handle.close();
  expect(libc().dup3(other, fd, 0)).toBe(fd);
  const receiving = receiveAll(server);
  expect(await sending).toBe(content.length);
  client.close();
  expect((await receiving).equals(content)).toBe(true);
  for (const each of [other, fd]) closeSync(each);
  server.close();
});

test('no more than there is', async () => {
  const [sent, received] = await send(path, content.length - 5, 100);
  expect([sent, received.length]).toEqual([5, 5]);
  expect(await send(path, content.length + 5)).toEqual([0, Buffer.alloc(0)]);
});

test('takes its turn among other sends', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const total = 3 + content.length + 5;
  const [received] = await Promise.all([
    receiveAll(server, total),
    client.sendall('GET'),
    client.sendfile(path),
    client.sendall('after'),
  ]);
  expect(received.subarray(0, 3).toString()).toBe('GET');
  expect(received.subarray(3, -5).equals(content)).toBe(true);
  expect(received.subarray(-5).toString()).toBe('after');
  client.close();
  server.close();
});

test.each<[what: string, code: string, make: (path: string) => void]>([
  ['a FIFO', 'EINVAL', (path) => void execFileSync('mkfifo', [path])],
  ['a device', 'EINVAL', (path) => symlinkSync('/dev/zero', path)],
  ['a directory', 'EISDIR', (path) => mkdirSync(path)],
])('refuses %s, and leaves it closed', async (_what, code, make) => {
  const special = join(net.dir, 'special');
  make(special);
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const before = holdings().descriptors.length;
  const refused = { code, syscall: 'sendfile', message: expect.stringContaining('only a regular file') };
  await expect(client.sendfile(special, 0, 10)).rejects.toMatchObject(refused);
  expect(() => client.sync.sendfile(special)).toThrow(expect.objectContaining(refused));
  expect(holdings().descriptors).toHaveLength(before);
  rmSync(special, { recursive: true });
  client.close();
  server.close();
});

test('a FileHandle that is closed already is EBADF', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const handle = await open(path);
  await handle.close();
  await expect(client.sendfile(handle)).rejects.toMatchObject({ name: 'IothError', code: 'EBADF' });
  client.close();
  server.close();
});

test('refuses what it cannot send, and leaves no file open', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const before = holdings().descriptors.length;
  await expect(client.sendfile(join(net.dir, 'nosuch'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(client.sendfile({} as unknown as string)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  await expect(client.sendfile(path, -1)).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
  await expect(client.sendfile(path, 0, 0)).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
  await expect(client.sendfile(path, 0, 1.5)).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
  await expect(client.sendfile(999_999)).rejects.toMatchObject({ code: 'EBADF' });
  const udp = b.socket(AF_INET, SOCK_DGRAM);
  await expect(udp.sendfile(path)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
  udp.close();
  client.settimeout(0.05);
  await expect(client.sendfile(path)).rejects.toMatchObject({ code: 'ETIMEDOUT', syscall: 'sendfile' });
  expect(holdings().descriptors).toHaveLength(before);
  client.close();
  server.close();
});
