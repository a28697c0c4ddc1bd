import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { endRows } from './ends.js';
import { kernelRows } from './kernel.js';
import { labRows } from './lab.js';
import { stackLives } from './life.js';
import { newStackRow } from './new-stack.js';
import { nodeModulesRows } from './node-modules.js';
import { processRows } from './processes.js';
import { livesTable, rowsTable } from './table.js';
import { vdeRows, wireRows } from './vde.js';
import { vethRows } from './veth.js';
import { waitingRows } from './waiting.js';
import { weightRows } from './weight.js';

const GROUPS = [
  'tcp',
  'rtt',
  'connections',
  'udp',
  'processes',
  'vde',
  'wire',
  'node',
  'newstack',
  'stacks',
  'lab',
  'veth',
  'waiting',
  'ends',
  'weight',
];
const USAGE = `usage: npm run bench -- [--rounds N] [--json FILE] [${GROUPS.join(' | ')} ...]
Without names everything is measured. A figure is the median of N turns (default 5).`;

async function main(): Promise<void> {
  const { rounds, json, groups } = options();
  const wanted = (group: string) => groups.length === 0 || groups.includes(group);
  console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, medians of ${rounds}, in turn\n`);
  const kernel = await kernelRows(wanted, rounds);
  if (kernel.length > 0) console.log(`${rowsTable('Kernel stack over 127.0.0.1, both ends in one process', kernel)}\n`);
  const processes = await processRows(wanted, rounds);
  for (const [title, rows] of Object.entries(processes)) console.log(`${rowsTable(title, rows)}\n`);
  const vde = await vdeRows(wanted, rounds);
  if (vde.length > 0) console.log(`${rowsTable('Two vdestacks on a switch, a process each', vde)}\n`);
  const wire = await wireRows(wanted, rounds);
  if (wire.length > 0) console.log(`${rowsTable('Two vdestacks without a tap, and with one', wire)}\n`);
  const nodeModules = await nodeModulesRows(wanted, rounds);
  for (const [title, rows] of Object.entries(nodeModules)) console.log(`${rowsTable(title, rows)}\n`);
  const newStack = await newStackRow(wanted);
  if (newStack.length > 0) console.log(`${rowsTable('new Stack, alternating with the bare call', newStack)}\n`);
  const lab = await labRows(wanted, rounds);
  if (lab.length > 0) console.log(`${rowsTable('A link without faults, its ends a process each', lab)}\n`);
  const veth = await vethRows(wanted, rounds);
  if (veth.length > 0)
    console.log(`${rowsTable("Node's modules in two hosts of a lab, and over a veth pair", veth)}\n`);
  const waiting = await waitingRows(wanted, rounds);
  if (waiting.length > 0) console.log(`${rowsTable('What waits', waiting)}\n`);
  const ends = await endRows(wanted, rounds);
  if (ends.length > 0)
    console.log(`${rowsTable('What ends, what run() and iothconfig() take, a link with faults', ends)}\n`);
  const weight = await weightRows(wanted, rounds);
  if (weight.length > 0) console.log(`${rowsTable('What is loaded, and what is held', weight)}\n`);
  const lives = await stackLives(wanted);
  if (lives.length > 0) console.log(livesTable(lives));
  if (json) {
    const about = { date: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length };
    writeFileSync(
      json,
      `${JSON.stringify({ ...about, rounds, kernel, processes, vde, wire, nodeModules, newStack, lab, veth, waiting, ends, weight, stacks: lives }, null, 2)}\n`,
    );
  }
}

function options(): { rounds: number; json: string | undefined; groups: string[] } {
  const { values, positionals } = parseArgs({
    options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' }, help: { type: 'boolean' } },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) throw new Error(`--rounds: 1 to 100\n${USAGE}`);
  const unknown = positionals.find((group) => !GROUPS.includes(group));
  if (unknown) throw new Error(`there is no '${unknown}'\n${USAGE}`);
  return { rounds, json: values.json, groups: positionals };
}

process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

// a failed measurement may have left sockets that would keep the process alive
main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
