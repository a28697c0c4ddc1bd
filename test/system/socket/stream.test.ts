import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { Stack } from 'ioth';
import { useNetwork } from '../../support/network.js';
import { pattern, receiveAll, tcpPair } from '../../support/sockets.js';

const net = useNetwork();
let a: Stack;
let b: Stack;
beforeAll(() => {
  [a, b] = net.stacks as [Stack, Stack];
});

test('pipelines run both ways at once', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const [left, right] = [client.stream(), server.stream()];
  const data = pattern(3 << 20);
  // the server sends everything back: what arrives went through both
  const echoing = pipeline(right, right);
  const [echoed] = await Promise.all([buffer(left), pipeline(Readable.from(chunksOf(data)), left)]);
  await echoing;
  expect(echoed.equals(data)).toBe(true);
  left.destroy();
  right.destroy();
  expect([client.closed, server.closed]).toEqual([true, true]);
});

test('its end is half a close: the answer still comes', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const stream = client.stream();
  stream.end('the question');
  expect((await receiveAll(server)).toString()).toBe('the question');
  await server.sendall('the answer');
  server.close();
  expect(await text(stream)).toBe('the answer');
  stream.destroy();
  expect(client.closed).toBe(true);
});

test('it waits where the reader is slow', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const stream = client.stream();
  const data = pattern(8 << 20);
  let written = false;
  stream.write(data, () => {
    written = true;
  });
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(written).toBe(false);
  let received = 0;
  const slow = new Writable({
    highWaterMark: 1000,
    write(chunk: Buffer, _encoding, done) {
      received += chunk.length;
      setImmediate(done);
    },
  });
  const reading = pipeline(server.stream(), slow);
  stream.end();
  await reading;
  expect(received).toBe(data.length);
  stream.destroy();
  server.close();
});

test('a reset is its error', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const stream = client.stream();
  const failed = once(stream, 'error');
  stream.resume();
  await client.sendall('never read');
  await server.recv(1);
  server.close();
  expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
  expect(client.closed).toBe(true);
});

test('the destruction of the stream closes the socket, and the close of the socket ends the stream', async () => {
  const [client, server] = await tcpPair(b, a, '10.0.0.1');
  const [left, right] = [client.stream(), server.stream()];
  left.resume();
  right.resume();
  const closed = [once(left, 'close'), once(right, 'close')];
  left.destroy();
  expect(client.closed).toBe(true);
  server.close();
  await Promise.all(closed);
});

function* chunksOf(data: Buffer): Generator<Buffer> {
  for (let at = 0; at < data.length; at += 50_000) yield data.subarray(at, at + 50_000);
}
