import { PATTERN_KEYS } from '../../../fabric/intercept/match.js';
import { ACTIONS } from '../../../fabric/intercept/plan.js';
import type { PacketAction } from '../../../lab/index.js';
import { UsageError } from '../../command.js';
import { noSuch } from '../../suggest.js';
import { print } from '../../terminal.js';
import { type LabCommand, networkNamed, networkNames } from '../command.js';
import { CUT_DIRECTIONS, completePairs, type Pairs, readValue, splitPairs } from '../pairs.js';

const DELAY = 'delay';
const LIMITS = ['times', 'after'];
/** What frames have, and their way; each can be written as a pair. */
const MATCHES: readonly string[] = [...CUT_DIRECTIONS, ...PATTERN_KEYS];
const NAMES = [...MATCHES, ...LIMITS];

export const intercept: LabCommand = {
  usage: '[NETWORK stop | NETWORK ACTION [WAY] [MATCH …]]',
  argumentCount: [0, Number.POSITIVE_INFINITY],
  help: 'acts on chosen frames (intercept lan drop to=bob flags=SYN times=2, intercept lan delay=300 icmp=echo-reply)',
  options: {},
  complete(args, lab) {
    if (args.length === 0) return networkNames(lab);
    if (args.length === 1) return [...ACTIONS, `${DELAY}=`, 'stop'];
    return completePairs(NAMES, lab);
  },
  async run({ lab, intercepts }, { args: [name, ...args] }) {
    if (name === undefined) {
      for (const line of intercepts.lines) print(line);
      return;
    }
    const network = networkNamed(lab, name);
    if (args.length === 1 && args[0] === 'stop') return intercepts.stop(network.name);
    const { words, pairs } = splitPairs(args);
    const delay = pairs.find(([key]) => key === DELAY);
    const others = pairs.filter((pair) => pair !== delay);
    const unknown = others.find(([key]) => !NAMES.includes(key))?.[0];
    if (unknown !== undefined) throw new UsageError(`${noSuch('match', unknown, NAMES)} (${NAMES.join(', ')})`);
    if (words.length + (delay ? 1 : 0) !== 1) {
      throw new UsageError(`one action must follow ${name}: ${ACTIONS.join(', ')} or delay=MS`);
    }
    // the network checks it
    const action = (delay ? { delay: readValue(delay[1]) } : words[0]) as PacketAction;
    await intercepts.start(network, args.join(' '), valuesOf(others, MATCHES), action, valuesOf(others, LIMITS));
  },
};

function valuesOf(pairs: Pairs, names: readonly string[]): object {
  return Object.fromEntries(
    pairs.filter(([key]) => names.includes(key)).map(([key, text]) => [key, matchValue(key, text)]),
  );
}

/** Reads a value: several with commas between them, or an object in braces. A payload is text. */
function matchValue(key: string, text: string): unknown {
  if (key === 'payload') return text;
  return text.startsWith('{') || !text.includes(',') ? readValue(text) : text.split(',').map(readValue);
}
