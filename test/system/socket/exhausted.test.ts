import { rmSync } from 'node:fs';
import { runText } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';

// in a process of its own, since Node raises its limit to the hard one and a test must not lower jest's
async function withFewDescriptors(source: string): Promise<string[]> {
  const dir = temporaryDirectory();
  const prelude = `
    import { readdirSync, statSync } from 'node:fs';
    // the loader of this script writes what it compiled into its cache meanwhile: that would free descriptors later
    const isFile = (fd) => statSync('/proc/self/fd/' + fd, { throwIfNoEntry: false })?.isFile();
    while (readdirSync('/proc/self/fd').some(isFile)) await new Promise((resolve) => setTimeout(resolve, 10));
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
  try {
    const limited = ['prlimit', '--nofile=100:100'];
    const { code, stdout, stderr } = await runText(dir, prelude + source, { prefix: limited });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout.trim().split('\n');
  } finally {
    rmSync(dir, { recursive: true });
  }
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
    const { user, system } = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 400));
    const used = process.cpuUsage({ user, system });
    console.log(accepted, used.user + used.system < 250_000);
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
