import { runText } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';

// in a process of its own, since Node raises its limit to the hard one and a test must not lower jest's
async function withFewDescriptors(source: string): Promise<string[]> {
  const prelude = `
    const stack = new ioth.Stack('kernel');
    const listener = stack.socket();
    listener.bind(['127.0.0.1', 0]);
    listener.listen();
    const { port } = listener.getsockname();
    const failure = (call) => { try { call(); return 'none'; } catch ({ code, message }) { return code + ' ' + message; } };
    // takes what is left, but for \`spare\` descriptors
    const fill = (spare) => {
      const taken = [];
      while (failure(() => taken.push(stack.socket())) === 'none');
      for (let i = 0; i < spare; i++) taken.pop().close();
      return taken;
    };`;
  const { code, stdout, stderr } = await runText(temporaryDirectory(), prelude + source, {
    prefix: ['prlimit', '--nofile=100:100'],
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trim().split('\n');
}

test('a socket too many is EMFILE, with what to do', async () => {
  const [line] = await withFewDescriptors(`
    fill(0);
    console.log(failure(() => stack.socket()));
    await stack.close();`);
  expect(line).toMatch(/^EMFILE socket EMFILE: .*ulimit -n/);
});

test('accept waits until a descriptor is free, without spinning', async () => {
  const lines = await withFewDescriptors(`
    const taken = fill(1);
    const client = stack.socket();
    await client.connect(['127.0.0.1', port]);
    console.log(failure(() => listener.sync.accept()).slice(0, 6));
    listener.settimeout(0);
    console.log((await listener.accept().catch((error) => error)).code);
    listener.settimeout(null);
    const accepting = listener.accept();
    let accepted = false;
    accepting.then(() => { accepted = true; });
    const turns = () => performance.nodeTiming.uvMetricsInfo.loopCount;
    const before = turns();
    // twenty ticks, each a turn of the loop or two where it rests
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    console.log(accepted, turns() - before < 100);
    taken.pop().close();
    const [connection] = await accepting;
    await client.sendall('served');
    console.log(String(await connection.recv(10)));
    await stack.close();`);
  expect(lines).toEqual(['EMFILE', 'EMFILE', 'false true', 'served']);
});

test('a first wait that finds no descriptor for its watch is EMFILE, and the socket goes on', async () => {
  const lines = await withFewDescriptors(`
    const socket = stack.socket(ioth.AF_INET, ioth.SOCK_DGRAM);
    socket.bind(['127.0.0.1', 0]);
    const taken = fill(0);
    const refused = await socket.recv(1).catch((error) => error);
    console.log(refused.code, refused.syscall);
    for (const each of taken) each.close();
    const received = socket.recv(1);
    await socket.sendto('x', socket.getsockname());
    console.log(String(await received));
    await stack.close();`);
  expect(lines).toEqual(['EMFILE epoll_create1', 'x']);
});
