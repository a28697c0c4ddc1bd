import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AF_INET, SOCK_DGRAM } from 'ioth';
import { buildCli, ioth, iothAtTerminal, startIoth } from '../../support/cli.js';
import { workDirectory } from '../../support/directory.js';
import { useNetwork } from '../../support/network.js';
import { PATIENCE_MS, until } from '../../support/until.js';

/* `ioth nc` and `ioth run`, against a stack of the tests' own: 10.0.0.1. */

beforeAll(buildCli);

const { dir, remove } = workDirectory();
afterAll(remove);

const lan = useNetwork(1, 'test');

const config = (number: number) => `${lan.vnl},eth,ip=10.0.0.${number}/24,ip=fd00::${number}/64`;
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');

describe('ioth nc', () => {
  it('carries a file from one to the other, each byte of it', async () => {
    const path = join(dir, 'file');
    const data = randomBytes(3_000_000);
    writeFileSync(path, data);
    const receiver = startIoth(['nc', '-l', config(2), '10.0.0.2', '5000']);
    receiver.end();
    await receiver.warns('listening on 10.0.0.2:5000');
    // output is decoded as text here
    const sender = await ioth(['nc', config(3), '10.0.0.2', '5000'], { input: data.toString('base64') });
    expect(sender).toEqual({ code: 0, stdout: '', stderr: '' });
    const { code, stdout } = await receiver.exit;
    expect({ code, hash: sha256(stdout) }).toEqual({ code: 0, hash: sha256(readFileSync(path, 'base64')) });
  });

  it('waits until a slow reader has taken the last of its output', async () => {
    const gate = join(dir, 'gate');
    const data = randomBytes(70_000); // a pipe takes 65,536
    const reader = `while ! [ -e ${gate} ]; do sleep 0.1; done; sha256sum`;
    const receiver = startIoth(['nc', '-l', config(2), '10.0.0.2', '5000'], {
      prefix: ['sh', '-c', `"$@" < /dev/null | { ${reader}; }`, 'sh'],
    });
    await receiver.warns('listening on 10.0.0.2:5000');
    const sender = lan.stacks[0]!.net.connect(5000, '10.0.0.2').resume().end(data);
    await once(sender, 'close');
    // it has ended by then if it does not wait
    await delay(1000);
    writeFileSync(gate, '');
    const { code, stdout } = await receiver.exit;
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${sha256(data)}  -\n` });
  });

  it.each(['10.0.0.1', 'fd00::1'])(
    'half-closes at the end of its input, and prints what comes after: %s',
    async (host) => {
      const [stack] = lan.stacks;
      const server = stack!.net.createServer({ allowHalfOpen: true }, (socket) => {
        let heard = '';
        socket.on('data', (chunk) => {
          heard += chunk;
        });
        socket.on('end', () => socket.end(`you said ${heard}`));
      });
      server.listen(5000, host);
      await once(server, 'listening');
      const outcome = await ioth(['nc', config(2), host, '5000'], { input: 'hello' });
      server.close();
      expect(outcome).toEqual({ code: 0, stdout: 'you said hello', stderr: '' });
    },
  );

  it('at a terminal the end of the other side ends it', async () => {
    const [stack] = lan.stacks;
    const server = stack!.net.createServer((socket) => socket.end('bye\n'));
    server.listen(5000, '10.0.0.1');
    await once(server, 'listening');
    const outcome = await iothAtTerminal(['nc', config(2), '10.0.0.1', '5000']).exit;
    server.close();
    expect(outcome).toMatchObject({ code: 0, stdout: 'bye\r\n' });
  });

  it('UDP: each piece of input is a datagram, and the answers are printed', async () => {
    const socket = lan.stacks[0]!.socket(AF_INET, SOCK_DGRAM);
    socket.bind(['10.0.0.1', 5000]);
    const client = startIoth(['nc', '-u', config(2), '10.0.0.1', '5000']);
    client.write('one\n');
    const [first, from] = await socket.recvfrom(100);
    expect([String(first), from.address]).toEqual(['one\n', '10.0.0.2']);
    await socket.sendto('answer\n', from);
    await client.says('answer');
    client.kill('SIGINT');
    expect(await client.exit).toEqual({ code: 130, stdout: 'answer\n', stderr: '' });
  });

  it('UDP with -l: it answers whoever was first', async () => {
    const server = startIoth(['nc', '-lu', '-w', `${PATIENCE_MS / 1000}`, config(2), '5000']);
    await server.warns('listening on 0.0.0.0:5000');
    const [first, other] = [5001, 5002].map((port) => {
      const socket = lan.stacks[0]!.socket(AF_INET, SOCK_DGRAM);
      socket.bind(['10.0.0.1', port]);
      return socket;
    });
    await first!.sendto('first\n', ['10.0.0.2', 5000]);
    await server.says('first');
    await other!.sendto('other\n', ['10.0.0.2', 5000]);
    server.end('answer\n');
    expect(String(await first!.recv(100))).toBe('answer\n');
    // what comes behind that of the other one
    await first!.sendto('last\n', ['10.0.0.2', 5000]);
    await server.says('last');
    server.kill('SIGINT');
    expect(await server.exit).toMatchObject({ code: 130, stdout: 'first\nlast\n' });
  });

  it('UDP with -l and -w ends when idle', async () => {
    const socket = lan.stacks[0]!.socket(AF_INET, SOCK_DGRAM);
    let number = 2;
    // where it is idle before a datagram comes, another one, with an address that nobody knows yet, tries again
    await until('it ends after a datagram', async () => {
      const server = startIoth(['nc', '-lu', '-w', '1', config(number), '5000']);
      await server.warns('listening on 0.0.0.0:5000');
      await socket.sendto('heard\n', [`10.0.0.${number++}`, 5000]);
      const { code, stdout } = await server.exit;
      expect(code).toBe(0);
      return stdout === 'heard\n';
    });
  });

  it.each([
    [['10.0.0.1', '5000'], 1, 'ECONNREFUSED'],
    [['-w', '0.3', '10.0.0.99', '5000'], 1, 'ETIMEDOUT 10.0.0.99:5000: no answer in 0.3 s'],
    [['-u', '10.0.0.1', '5000'], 1, 'ECONNREFUSED'],
    [['10.0.0.1', 'http'], 2, "the port must be a number from 0 to 65535, not 'http'"],
    [['10.0.0.1'], 2, 'too few arguments'],
    [['-l', '-w', '0.1', '5000'], 1, 'no connection in 0.1 s'],
    [['-l', '10.9.9.9', '5000'], 1, 'EADDRNOTAVAIL'],
  ])('%j: exit code %i', async (words, code, message) => {
    const options = words.filter((word, i) => word.startsWith('-') || words[i - 1] === '-w');
    const args = words.slice(options.length);
    const outcome = await ioth(['nc', ...options, config(2), ...args], { input: 'x' });
    expect({ code: outcome.code, stdout: outcome.stdout }).toEqual({ code, stdout: '' });
    expect(outcome.stderr).toContain(message);
  });

  it('Ctrl-C ends it', async () => {
    const running = startIoth(['nc', '-l', config(2), '5000']);
    await running.warns('listening');
    running.kill('SIGINT');
    expect(await running.exit).toMatchObject({ code: 130, stdout: '' });
  });
});

describe('ioth run', () => {
  function program(name: string, text: string): string {
    const path = join(dir, name);
    writeFileSync(path, text);
    return path;
  }

  it('a program is on the stack; its arguments, input, output and exit code are its own', async () => {
    const server = lan.stacks[0]!.net.createServer((socket) => socket.end(`hello ${socket.remoteAddress}`));
    server.listen(5000, '10.0.0.1');
    await once(server, 'listening');
    const path = program(
      'client.mjs',
      `import { connect } from 'node:net';
      let input = '';
      for await (const chunk of process.stdin) input += chunk;
      for await (const chunk of connect(5000, '10.0.0.1')) console.log(String(chunk), input, process.argv.slice(2));
      process.exitCode = 3;`,
    );
    const outcome = await ioth(['run', config(2), path, '--json', '-x', '--'], { input: 'in', cwd: dir });
    server.close();
    expect(outcome).toEqual({ code: 3, stdout: "hello 10.0.0.2 in [ '--json', '-x', '--' ]\n", stderr: '' });
  });

  it("what is in front of the program is node's", async () => {
    const outcome = await ioth(['run', 'null://', '--no-warnings', '-p', 'process.execArgv.includes("--no-warnings")']);
    expect(outcome).toEqual({ code: 0, stdout: 'true\n', stderr: '' });
  });

  it('a program of a program has a stack of its own too; --children numbers them', async () => {
    const path = program(
      'parent.cjs',
      `const { execFileSync } = require('node:child_process');
      const server = require('node:net').createServer().listen(80, '10.0.0.' + (process.argv[2] ?? 4));
      server.on('error', (error) => console.log(error.code));
      server.on('listening', () => {
        console.log('listening', server.address().address);
        if (!process.argv[2]) console.log(String(execFileSync(process.execPath, [__filename, '5'])).trim());
        server.close();
      });`,
    );
    const alone = await ioth(['run', config(4), path], { env: { IOTH_CHILD: 'host' } });
    expect(alone).toEqual({
      code: 0,
      stdout: 'listening 10.0.0.4\nEADDRNOTAVAIL\n',
      stderr: expect.stringMatching(/^ioth\/register: a child process is on the host's network: .*\n$/),
    });
    const numbered = `${lan.vnl},eth,ip=10.0.0.4/24,ip=10.0.0.5/24,fqdn=host%d.example.org`;
    const both = await ioth(['run', '--children', numbered, path]);
    expect(both).toEqual({ code: 0, stdout: 'listening 10.0.0.4\nlistening 10.0.0.5\n', stderr: '' });
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s reaches the program, which may take its time',
    async (signal) => {
      const path = program(
        `waits-${signal}.cjs`,
        `process.on('${signal}', () => { console.log('caught'); clearInterval(timer); process.exitCode = 5; });
      const timer = setInterval(() => {}, 1000);
      console.log('ready');`,
      );
      const running = startIoth(['run', 'null://', path]);
      await running.says('ready');
      running.kill(signal);
      expect(await running.exit).toEqual({ code: 5, stdout: 'ready\ncaught\n', stderr: '' });
    },
  );

  it('the signal that ends the program ends the command', async () => {
    const path = program('dies.cjs', `process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);`);
    expect(await startIoth(['run', 'null://', path]).exit).toEqual({ code: 'SIGTERM', stdout: '', stderr: '' });
  });

  it('a program that is not there: what Node says', async () => {
    const outcome = await ioth(['run', 'null://', join(dir, 'missing.js')]);
    expect(outcome).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('Cannot find module') });
  });
});
