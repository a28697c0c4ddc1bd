import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SHUT_WR, type Socket } from 'ioth';
import { useNetwork } from '../../support/network.js';
import { StandinPicox } from '../../support/picox-stand-in.js';
import { listenOn, pattern, receiveAll } from '../../support/sockets.js';

let picox: StandinPicox;
// before the network's own
afterAll(() => picox.end());
const net = useNetwork();
beforeAll(() => {
  picox = new StandinPicox(net.stacks[1]!);
});

async function connected(): Promise<[client: Socket, server: Socket]> {
  const [listener, address] = listenOn(net.stacks[0]!, '10.0.0.1');
  const client = picox.socket();
  await client.connect(address);
  const [server] = await listener.accept();
  listener.close();
  return [client, server];
}

/** Receives so slowly that the sender's buffer fills. */
async function receiveSlowly(socket: Socket, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let left = length; left > 0; left -= chunks.at(-1)?.length ?? 0) {
    const chunk = await socket.recv(1 << 18);
    if (chunk.length === 0) break;
    chunks.push(chunk);
    await delay(1);
  }
  return Buffer.concat(chunks);
}

test('a connection that is refused is told, awaited and by sync', async () => {
  const expected = { code: 'ECONNRESET', syscall: 'connect', address: '10.0.0.1', port: 1 };
  for (let i = 0; i < 6; i++) {
    using socket = picox.socket();
    socket.settimeout(60);
    await expect(socket.connect(['10.0.0.1', 1])).rejects.toMatchObject(expected);
    using other = picox.socket();
    other.settimeout(60);
    expect(() => other.sync.connect(['10.0.0.1', 1])).toThrow(expect.objectContaining(expected));
  }
});

test('a connection that is made is told', async () => {
  const [client, server] = await connected();
  await client.sendall('hello');
  expect((await server.recv(10)).toString()).toBe('hello');
  client.close();
  server.close();
});

test('the end of what it sends is not the end of what it receives', async () => {
  const [client, server] = await connected();
  await client.sendall('question');
  client.shutdown(SHUT_WR);
  expect(String(await receiveAll(server))).toBe('question');
  await server.sendall('answer');
  expect(String(await client.recv(10))).toBe('answer');
  client.close();
  server.close();
});

test('sendall waits where send takes nothing, and every byte arrives', async () => {
  const [client, server] = await connected();
  const data = pattern(6 << 20);
  const receiving = receiveSlowly(server, data.length);
  await client.sendall(data);
  expect((await receiving).equals(data)).toBe(true);
  client.close();
  server.close();
});

test('so does sendfile', async () => {
  const path = join(net.dir, 'file');
  const data = pattern(6 << 20);
  writeFileSync(path, data);
  const [client, server] = await connected();
  const receiving = receiveSlowly(server, data.length);
  expect(await client.sendfile(path)).toBe(data.length);
  expect((await receiving).equals(data)).toBe(true);
  client.close();
  server.close();
  rmSync(path);
});
