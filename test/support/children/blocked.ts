/** Blocks in a call of the `sync` view: `blocked.ts WAY`. */
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { AF_INET, SOCK_DGRAM, Stack } from '../../../lib/index.js';

const [way = ''] = process.argv.slice(2);

function say(text: string): void {
  writeSync(1, `${text}\n`);
}

const stack = new Stack('vdestack', 'null://');
const socket = stack.socket(AF_INET, SOCK_DGRAM);
stack.on('error', ({ code }) => say(`event ${code}`));
stack.on('close', () => say('closed'));

function block(): void {
  try {
    socket.sync.recv(1);
  } catch (error) {
    const { code, syscall, message } = error as Error & { code: string; syscall: string };
    say(`threw ${code} ${syscall}: ${message}`);
  }
}

const ways: Record<string, () => void> = {
  // whatever is thrown is caught: it must end all the same
  plain: () => {
    for (;;) block();
  },
  'never waits': () => {
    const lo = stack.if_nametoindex('lo');
    stack.linksetupdown(lo, true);
    socket.bind(['127.0.0.1', 0]);
    const to = socket.getsockname();
    // it looks for signals at one of 256 calls
    for (let i = 0; i < 512; i++) socket.sync.sendto('x', to);
    say('sends');
    for (;;) socket.sync.sendto('x', to);
  },
  handler: () => {
    process.on('SIGINT', () => {
      say('handler');
      stack.closeSync();
    });
    block();
  },
  child: () => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    child.on('exit', () => say('child ended'));
    say(`child ${child.pid}`);
    say(`daemon ${stack.daemonPid}`);
    block();
  },
  daemon: () => {
    say(`daemon ${stack.daemonPid}`);
    block();
  },
  listener: () => {
    say(`daemon ${stack.daemonPid}`);
    const listener = stack.socket();
    listener.listen();
    try {
      listener.sync.accept();
    } catch (error) {
      say(`threw ${(error as { code: string }).code}`);
    }
  },
  worker: () => {
    stack.closeSync();
    const library = JSON.stringify(new URL('../../../lib/index.js', import.meta.url).href);
    const source = `
      (async () => {
        const { Stack, AF_INET, SOCK_DGRAM } = await import(${library});
        const socket = new Stack('kernel').socket(AF_INET, SOCK_DGRAM);
        socket.bind(['127.0.0.1', 0]);
        require('node:worker_threads').parentPort.postMessage('blocks');
        socket.sync.recv(1);
      })();`;
    const worker = new Worker(source, { eval: true });
    worker.on('message', async () => {
      await worker.terminate();
      say('terminated');
    });
  },
};

say('ready');
ways[way]?.();
