import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Case, casesOf, MODULES, type ModuleName, sampleOf } from './cases.js';
import { type Comparison, compare } from './conformance.js';
import { readReasons, reportOf } from './report.js';
import { nodeTests } from './source.js';

const USAGE = `usage: scripts/conformance [--only MODULE[,MODULE]] [--sample N] [--pump] [--node PATH] [--logs DIR] [test ...]
Node's own tests of ${MODULES.join(', ')}, plain and with \`ioth/register\`.
  --only    these modules
  --sample  N tests of each module, evenly spread
  --pump    on a stack whose sockets are treated as if they were not the kernel's
  --node    another Node than ${process.execPath}
  --logs    keep the output of what does not pass
  test      these tests: test-net-connect-reset
Exits with 1 where a test does not pass on the stack that is not listed in reasons.json, or a bar is missed.`;

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url));

async function main(): Promise<boolean> {
  const { only, sample, pump, node, logs, names } = options();
  const source = await nodeTests();
  let tests = only.flatMap((module) => {
    const all = casesOf(source, module);
    return sample ? sampleOf(all, sample) : all;
  });
  if (names.length > 0) tests = tests.filter(({ name }) => names.includes(name));
  const progress = progressOf(tests);
  const register = local('../../dist/lib/stack/register-imported.mjs');
  const reasons = readReasons(local('reasons.json'), pump);
  const all = await compare(tests, { source, register, node, pump, known: reasons, onDone: progress });
  for (const comparison of logs ? all : []) writeLogs(logs as string, comparison);
  const isWhole = !sample && names.length === 0;
  const { text, isGood } = reportOf(all, reasons, pump, isWhole);
  console.log(text);
  return isGood;
}

function options() {
  const { values, positionals } = parseArgs({
    options: {
      only: { type: 'string', default: MODULES.join(',') },
      sample: { type: 'string', default: '0' },
      pump: { type: 'boolean', default: false },
      node: { type: 'string' },
      logs: { type: 'string' },
      help: { type: 'boolean' },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const only = values.only.split(',') as ModuleName[];
  const unknown = only.find((module) => !MODULES.includes(module));
  if (unknown !== undefined) throw new Error(`there is no '${unknown}'\n${USAGE}`);
  const sample = Number(values.sample);
  if (!Number.isInteger(sample) || sample < 0) throw new Error(`--sample: a number of tests\n${USAGE}`);
  return { ...values, only, sample, names: positionals };
}

/** Prints a line that the next one overwrites, if the output is a terminal. */
function progressOf(tests: readonly Case[]): ((comparison: Comparison) => void) | undefined {
  if (!process.stderr.isTTY) return undefined;
  let done = 0;
  return ({ test }) =>
    process.stderr.write(`\r\x1b[K${++done < tests.length ? `${done}/${tests.length} ${test.name}` : ''}`);
}

function writeLogs(directory: string, { test, plain, stack, conforms }: Comparison): void {
  if (conforms) return;
  const { result, hostPackets, output } = stack ?? plain;
  mkdirSync(directory, { recursive: true });
  const head = `${stack ? 'on the stack' : 'plain'}: ${result}, ${hostPackets} packets on the host's loopback`;
  writeFileSync(join(directory, `${test.name}.log`), `${head}\n${output}`);
}

process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

main().then(
  (isGood) => process.exit(isGood ? 0 : 1),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
