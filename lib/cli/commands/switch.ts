import { resolve } from 'node:path';
import { printable, printableJson } from '../../core/printable.js';
import { Stack } from '../../stack/stack.js';
import { quotePath } from '../../vde/locator.js';
import { type Command, CommandError, type Invocation, UsageError } from '../command.js';
import { interrupted } from '../interruption.js';
import { type Peer, watchPeers } from '../switch-ports.js';
import { print, styled } from '../terminal.js';

/** `ioth switch`. */
export const command: Command = {
  usage: 'PATH',
  argumentCount: [1, 1],
  help: `
Makes a switch that others join with vde://PATH, and reports the processes that join and leave. Ctrl-C ends the switch and
removes PATH. Programs on this machine can join it: stacks of ioth, vde_plug, virtual machines.

  ioth switch /tmp/sw`,
  options: {
    hub: { help: 'makes a hub: each port gets every frame' },
    mode: { short: 'm', value: 'MODE', help: 'access mode of the switch in octal, as for a file: 660 (600)' },
    json: { help: 'prints a line of JSON per event' },
  },
  async run({ args, options, signal }: Invocation) {
    if (args[0] === '') throw new UsageError("PATH must be the path of a directory to make, not ''");
    const path = resolve(args[0] as string);
    const say = options.json ? sayJson : sayText;
    const stack = new Stack('vdestack', switchVnl(path, options));
    const died = new Promise<never>((_, fail) => {
      stack.once('error', () => fail(new CommandError('the process that carries the frames died: the switch is gone')));
    });
    say('ready', path);
    const ports = watchPeers(path, (what, peer) => say(what, path, peer));
    try {
      await Promise.race([interrupted(signal), died]);
    } finally {
      ports.close();
      await stack.close({ linger: 0 });
    }
  },
};

function switchVnl(path: string, { hub, mode }: Invocation['options']): string {
  if (/[[\]]/.test(path))
    throw new UsageError(`PATH must not contain brackets, which have a meaning in VDE locators: '${path}'`);
  if (mode !== undefined && !/^[0-7]{3,4}$/.test(String(mode))) {
    throw new UsageError(`--mode must be three octal digits, as 660, not '${mode}'`);
  }
  return `${hub ? 'hub' : 'switch'}://${quotePath(path)}${mode === undefined ? '' : `[mode=${mode}]`}`;
}

type Event = 'ready' | 'joined' | 'left';

function sayJson(event: Event, path: string, peer?: Peer): void {
  const time = new Date().toISOString();
  print(printableJson(JSON.stringify({ event, time, ...(peer ?? { path, vnl: `vde://${quotePath(path)}` }) })));
}

function sayText(event: Event, path: string, peer?: Peer): void {
  if (!peer) {
    print(`${path} is ready: join it with vde://${quotePath(path)}; Ctrl-C ends it`);
    return;
  }
  const time = new Date().toTimeString().slice(0, 8);
  const who =
    peer.pid === 0
      ? 'a process of another namespace'
      : `process ${peer.pid}${peer.command && ` (${printable(peer.command)})`}`;
  const what = styled(event === 'joined' ? 'green' : 'yellow', event.padEnd(6));
  print(`${time} ${what} port ${peer.port}: ${who}, user ${peer.uid}`);
}
