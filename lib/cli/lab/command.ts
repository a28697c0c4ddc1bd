import type { Lab, LabHost, LabNetwork } from '../../lab/index.js';
import { type Command, UsageError } from '../command.js';
import type { ParsedArguments } from '../parse.js';
import { noSuch } from '../suggest.js';
import type { Captures } from './captures.js';
import type { Intercepts } from './intercepts.js';

/** What the commands at the prompt of a lab work on. */
export interface Session {
  readonly lab: Lab;
  readonly captures: Captures;
  readonly intercepts: Intercepts;
  /** True if a person types the commands: programs may read the terminal. */
  readonly isInteractive: boolean;
  /** The standard input of programs: the terminal, or nothing if commands come from standard input. */
  readonly programInput: 'inherit' | 'ignore';
}

/** The arguments of one call of a command. */
export interface Call extends ParsedArguments {
  /** The whole statement, as it was written. */
  readonly text: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** A command at the prompt of a lab. */
export interface LabCommand extends Pick<Command, 'usage' | 'argumentCount' | 'options' | 'runsProgram'> {
  /** What it does, on a line. */
  readonly help: string;
  /** Returns what may come after these arguments. Default: nothing. */
  complete?(args: readonly string[], lab: Lab): readonly string[];
  /** @returns the exit code, or nothing for 0 */
  run(session: Session, call: Call): Promise<number> | Promise<void>;
}

/** Returns a host by its name. @throws {UsageError} naming all hosts */
export function hostNamed(lab: Lab, name: string): LabHost {
  return named('host', lab.hosts, name);
}

/** Returns a network by its name. @throws {UsageError} naming all networks */
export function networkNamed(lab: Lab, name: string): LabNetwork {
  return named('network', lab.networks, name);
}

function named<T>(kind: string, all: Readonly<Record<string, T>>, name: string): T {
  const found = Object.hasOwn(all, name) ? all[name] : undefined;
  if (found) return found;
  const names = Object.keys(all);
  throw new UsageError(`${noSuch(kind, name, names)} (${names.join(', ')})`);
}

/** Returns the networks that an optional name means: that one, or all. */
export function networksNamed(lab: Lab, name: string | undefined): readonly LabNetwork[] {
  return name === undefined ? Object.values(lab.networks) : [networkNamed(lab, name)];
}

export const hostNames = (lab: Lab): string[] => Object.keys(lab.hosts);
export const networkNames = (lab: Lab): string[] => Object.keys(lab.networks);

/** Completes a network as the first argument. */
export function completeNetwork(args: readonly string[], lab: Lab): readonly string[] {
  return args.length === 0 ? networkNames(lab) : [];
}
