import type { Command } from './command.js';

/** A subcommand in the list of `ioth --help`. Its code is loaded when it is called. */
export interface CommandEntry {
  readonly summary: string;
  load(): Promise<{ command: Command }>;
}

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  doctor: {
    summary: 'checks this machine, and tells how to fix what is missing',
    load: () => import('./commands/doctor.js'),
  },
  repl: { summary: "Node's REPL with a stack", load: () => import('./commands/repl.js') },
  run: { summary: 'runs a Node program on a stack', load: () => import('./commands/run.js') },
  exec: { summary: 'runs any program on a stack', load: () => import('./commands/exec.js') },
  lab: { summary: 'makes a network of hosts, and gives a prompt for it', load: () => import('./commands/lab.js') },
  switch: { summary: 'runs a switch until Ctrl-C', load: () => import('./commands/switch.js') },
  ip: { summary: 'shows the addresses and routes that a configuration gives', load: () => import('./commands/ip.js') },
  dig: { summary: 'queries name servers from a stack', load: () => import('./commands/dig.js') },
  ping: { summary: 'pings a host from a stack', load: () => import('./commands/ping.js') },
  dump: { summary: 'prints or captures the frames of a network', load: () => import('./commands/dump.js') },
  nc: { summary: 'connects standard input and output to a stack', load: () => import('./commands/nc.js') },
};
