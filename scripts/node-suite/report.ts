import { readFileSync } from 'node:fs';
import { columns } from '../bench/table.js';
import { MODULES, type ModuleName } from './cases.js';
import type { Comparison } from './conformance.js';

/** The tests with a known reason, by reason. */
type Reasons = Readonly<Record<string, readonly string[]>>;
export type ReasonOf = ReadonlyMap<string, string>;

/** The minimum that must pass, in percent of the tests that pass plain. */
const BARS: Record<ModuleName, number> = { net: 98, dgram: 98, dns: 66, http: 98, https: 97, tls: 97, http2: 97 };
const PUMP_BARS: Partial<Record<ModuleName, number>> = { net: 85 };
const LINES_SHOWN = 12;

export interface Report {
  text: string;
  /** True if every test that does not pass is listed with its reason, and the bars are met. */
  isGood: boolean;
}

/** reasons.json: why a test does not pass; with the pump there are more. */
export function readReasons(file: string, pump: boolean): ReasonOf {
  const lists: Record<'stack' | 'pump', Reasons> = JSON.parse(readFileSync(file, 'utf8'));
  const reasons = [...Object.entries(lists.stack), ...(pump ? Object.entries(lists.pump) : [])];
  return new Map(reasons.flatMap(([reason, names]) => names.map((name) => [name, reason] as const)));
}

/** @param withBars false for a part of the tests: percentages of few tests mean little */
export function reportOf(all: readonly Comparison[], reasons: ReasonOf, pump: boolean, withBars: boolean): Report {
  const bars = pump ? PUMP_BARS : BARS;
  const rows = MODULES.map((module) => rowOf(module, all, withBars ? bars[module] : undefined)).filter(
    (row) => row.tests,
  );
  const failed = all.filter(({ stack, conforms }) => stack && !conforms);
  const listed = failed.filter(({ test }) => reasons.has(test.name));
  const unlisted = failed.filter(({ test }) => !reasons.has(test.name));
  const surprises = all.filter(({ test, conforms }) => conforms && reasons.has(test.name));
  const parts = [
    table(rows),
    section('Do not pass on the stack, for a known reason', byReason(listed, reasons), listed.length),
    section(
      'Listed with a reason, but pass',
      surprises.map(({ test }) => test.name),
    ),
    section('Do not pass on the stack, without a known reason', unlisted.map(shown)),
  ];
  return { text: parts.filter(Boolean).join('\n\n'), isGood: unlisted.length === 0 && rows.every(({ met }) => met) };
}

interface Row {
  module: ModuleName;
  tests: number;
  plain: number;
  stack: number;
  bar: number | undefined;
  met: boolean;
}

function rowOf(module: ModuleName, all: readonly Comparison[], bar: number | undefined): Row {
  const own = all.filter(({ test }) => test.module === module);
  const plain = own.filter(({ stack }) => stack).length;
  const stack = own.filter(({ conforms }) => conforms).length;
  return { module, tests: own.length, plain, stack, bar, met: bar === undefined || stack * 100 >= plain * bar };
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(({ module, tests, plain, stack, bar, met }) => [
    module,
    `${tests}`,
    `${plain}`,
    `${stack}`,
    plain ? `${((stack / plain) * 100).toFixed(1)} %` : '',
    bar === undefined ? '' : `≥ ${bar} %  ${met ? 'met' : 'MISSED'}`,
  ]);
  return columns([['module', 'tests', 'pass plain', 'on the stack', '', ''], ...lines]);
}

function byReason(failed: readonly Comparison[], reasons: ReasonOf): string[] {
  const namesOf = (reason: string) =>
    failed.map(({ test }) => test.name).filter((name) => reasons.get(name) === reason);
  const found = new Set(failed.map(({ test }) => reasons.get(test.name) as string));
  return [...found].map((reason) => [`${reason}:`, ...namesOf(reason)].join('\n    '));
}

function shown({ test, stack }: Comparison): string {
  const host = stack?.hostPackets ? `, ${stack.hostPackets} packets on the host's loopback` : '';
  const lines = stack?.output.trim().split('\n').slice(-LINES_SHOWN) ?? [];
  return [`${test.name}: ${stack?.result}${host}`, ...lines].join('\n    ');
}

function section(title: string, lines: readonly string[], count = lines.length): string {
  return count === 0 ? '' : `${title} (${count}):\n  ${lines.join('\n  ')}`;
}
