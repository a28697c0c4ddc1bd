import type { Command } from './command.js';

/** A subcommand in the list of `ioth --help`. Its code is loaded when it is called. */
export interface CommandEntry {
  readonly summary: string;
  load(): Promise<{ command: Command }>;
}

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  doctor: {
    summary: 'checks what ioth needs of this machine, and says what to do',
    load: () => import('./commands/doctor.js'),
  },
  repl: { summary: "Node's REPL with a stack", load: () => import('./commands/repl.js') },
  run: { summary: 'runs a Node program on a stack', load: () => import('./commands/run.js') },
  exec: { summary: 'runs any program on a stack', load: () => import('./commands/exec.js') },
  switch: { summary: 'a switch, as long as the command runs', load: () => import('./commands/switch.js') },
  ip: { summary: 'shows what a configuration gives a stack', load: () => import('./commands/ip.js') },
  dig: { summary: 'asks name servers from a stack', load: () => import('./commands/dig.js') },
  ping: { summary: 'asks a host whether it is there', load: () => import('./commands/ping.js') },
  dump: { summary: 'shows, or writes, what passes on a network', load: () => import('./commands/dump.js') },
  nc: { summary: 'connects standard input and output to a stack', load: () => import('./commands/nc.js') },
};
