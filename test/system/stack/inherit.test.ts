import { execFile, execFileSync } from 'node:child_process';
import { closeSync, rmSync } from 'node:fs';
import { promisify } from 'node:util';
import { AF_UNIX, CMSG_SPACE, SOCK_STREAM, Stack } from 'ioth';
import { type Child, startScript } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { LIST, socketsIn } from '../../support/inherited.js';
import { configure } from '../../support/network.js';
import { tcpPair, unixPair } from '../../support/sockets.js';
import { becomes } from '../../support/until.js';

/** The sockets that a child has open besides its standard streams. */
function inheritedSync(): string[] {
  return socketsIn(execFileSync('/bin/sh', ['-c', LIST], { encoding: 'utf8' }));
}

async function inherited(): Promise<string[]> {
  return socketsIn((await promisify(execFile)('/bin/sh', ['-c', LIST])).stdout);
}

test('a spawned child inherits no descriptor', async () => {
  const dir = temporaryDirectory();
  const hub = new Stack('vdestack', `switch://${dir}/switch`);
  const peer = new Stack('vdestack', `vde://${dir}/switch`);
  const kernel = new Stack('kernel');
  let far: Child | undefined;
  try {
    configure(hub, 1);
    configure(peer, 2);
    const [client, server] = await tcpPair(peer, hub, '10.0.0.1');
    const copy = client.dup();
    const [left, right] = await unixPair(hub, `${dir}/socket`);
    // descriptors that came in a message
    await left.sendmsg(['x'], [[1, 1, Buffer.from(new Int32Array([client.fileno()]).buffer)]]); // SOL_SOCKET, SCM_RIGHTS
    const [, ancdata] = await right.recvmsg(1, CMSG_SPACE(4));
    const received = new Int32Array(Uint8Array.from(ancdata[0]?.[2] ?? []).buffer)[0] ?? -1;
    expect(received).toBeGreaterThan(2);
    const own = kernel.socket(AF_UNIX, SOCK_STREAM);
    expect(inheritedSync()).toEqual([]);
    // another process joins the switch, whose daemon accepts it into our descriptor table
    far = startScript('joined.ts', [`vde://${dir}/switch`]);
    await far.says('joined');
    await becomes(async () => (await inherited()).length === 0);
    expect(await inherited()).toEqual([]);
    expect(inheritedSync()).toEqual([]);
    closeSync(received);
    for (const socket of [copy, own, server]) socket.close();
  } finally {
    far?.kill('SIGTERM');
    await far?.exit;
    for (const stack of [kernel, peer, hub]) await stack.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
