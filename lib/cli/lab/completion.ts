import type { Lab } from '../../lab/index.js';
import { hostNames } from './command.js';
import { commandNamed, ENDS, HELPS, LAB_COMMANDS } from './run-statement.js';

/** Returns what the last word of a line may become, and that word: the `completer` of node:readline. */
export function completeLine(lab: Lab, line: string): [string[], string] {
  const statement = line.slice(line.lastIndexOf(';') + 1).trimStart();
  const words = statement.split(/\s+/);
  const word = words.pop() ?? '';
  const candidates = candidatesAfter(lab, words).filter((each) => each.startsWith(word));
  // a pair waits for its value, all else is a whole word
  const whole = candidates.map((each) => (each.endsWith('=') ? each : `${each} `));
  return [[...new Set(whole)], word];
}

function candidatesAfter(lab: Lab, words: readonly string[]): readonly string[] {
  const [name, ...args] = words;
  if (name === undefined) return [...hostNames(lab), ...Object.keys(LAB_COMMANDS), '.help', '.exit'];
  if (HELPS.includes(name)) return Object.keys(LAB_COMMANDS);
  if (ENDS.includes(name)) return [];
  const command = commandNamed(name);
  if (command) return command.complete?.(args, lab) ?? [];
  // the arguments of a program in a host are mostly other hosts
  return Object.hasOwn(lab.hosts, name) ? hostNames(lab) : [];
}
