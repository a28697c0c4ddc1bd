import { unsupportedRuntime } from '../../../ffi/runtime.js';
import { printableLines } from '../../core/printable.js';
import { type Command, EXIT_FAILED, EXIT_OK, type Invocation } from '../command.js';
import { type Ability, abilities, PICOX, WITHOUT_NETWORKS } from '../doctor/ability.js';
import type { Finding } from '../doctor/finding.js';
import { libraryFindings, networkFinding, pluginFindings } from '../doctor/libraries.js';
import { limitsFinding } from '../doctor/limits.js';
import { nodeFinding, providerFinding, triedNamespaceFinding, tunFinding, wireFinding } from '../doctor/system.js';
import { TRIAL, trialFinding } from '../doctor/trial.js';
import { print, printJson, styled } from '../terminal.js';

const MARKS = {
  ok: ['green', 'ok     '],
  missing: ['gray', 'none   '],
  warning: ['yellow', 'warning'],
  fault: ['red', 'FAULT  '],
} as const;

/** `ioth doctor`. */
export const command: Command = {
  usage: '',
  argumentCount: [0, 0],
  help: `
Checks this machine: Node.js, the libraries and their plugins, /dev/net/tun, user namespaces, limits of large labs. Then makes
two stacks, lets them talk, and closes them. Tells how to fix each fault, what works here, and how to make the rest work. Exit
code 1 if stacks cannot work.`,
  options: { json: { help: 'prints JSON' } },
  async run({ options, signal }: Invocation) {
    const findings: Finding[] = [];
    for await (const finding of examine(signal)) {
      findings.push(finding);
      if (!options.json) printFinding(finding);
    }
    const works: Ability[] = [];
    const trial = findings.find(({ check }) => check === TRIAL);
    if (trial) {
      if (!options.json) print('\nWhat works here:');
      for await (const ability of abilities(trial, signal)) {
        works.push(ability);
        if (!options.json) printAbility(ability);
      }
    }
    const hasNoStacks = works.some(({ what, works }) => what === WITHOUT_NETWORKS && !works);
    const faults = findings.filter(({ status }) => status === 'fault').length;
    if (options.json) printJson({ ok: faults === 0, findings, works, left: hasNoStacks ? PICOX : undefined });
    else {
      if (hasNoStacks) print(`        Left: ${PICOX}`);
      print(faults === 0 ? '\nStacks work here.' : `\n${faults === 1 ? '1 fault' : `${faults} faults`} to fix.`);
    }
    return faults === 0 ? EXIT_OK : EXIT_FAILED;
  },
};

/** Runs the checks one after the other. Later checks depend on earlier ones. */
async function* examine(signal: AbortSignal): AsyncGenerator<Finding> {
  yield nodeFinding();
  if (unsupportedRuntime()) return; // the C libraries cannot be looked at
  const libraries = await libraryFindings();
  yield* libraries;
  const hasLibioth = libraries.some(({ check, status }) => check === 'libioth' && status === 'ok');
  if (hasLibioth) yield* pluginFindings();
  yield networkFinding();
  yield providerFinding('configuration', libraries);
  yield providerFinding('names', libraries);
  yield tunFinding();
  yield wireFinding();
  yield await triedNamespaceFinding();
  yield limitsFinding();
  if (hasLibioth) yield await trialFinding(signal);
}

function printFinding({ check, status, message, remedy }: Finding): void {
  const [style, mark] = MARKS[status];
  print(`${styled(style, mark)} ${check}: ${printableLines(message)}`);
  if (remedy) print(`        ${styled('bold', 'to do:')} ${remedy}`);
}

function printAbility({ what, works, why, remedy }: Ability): void {
  const [style, mark] = works ? (['green', 'yes    '] as const) : (['yellow', 'no     '] as const);
  print(`${styled(style, mark)} ${what}${why ? `: ${printableLines(why)}` : ''}`);
  if (remedy) print(`        ${styled('bold', 'to do:')} ${remedy}`);
}
