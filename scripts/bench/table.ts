import type { Life } from './life.js';
import type { Row, Unit } from './rows.js';

/** Returns the rows as text: a column for each contender, then the ratio with its quartiles, the bar and whether it is met. */
export function rowsTable(title: string, rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ figures }) => figures.length));
  const lines = rows.map((row) => {
    const figures = Array.from({ length: width }, (_, i) => {
      const figure = row.figures[i];
      return figure ? `${figure.contender} ${shown(figure.value, row.unit)}` : '';
    });
    const [low, high] = row.scatter.map((ratio) => ratio.toFixed(2));
    const ratio = `ioth / ${row.against} ${row.ratio.toFixed(2)} (${low}–${high})`;
    return [row.name, ...figures, ratio, row.bar, row.verdict === 'missed' ? 'MISSED' : row.verdict];
  });
  return `${title}\n${columns(lines)}`;
}

/** Returns the lives of stacks as text: milliseconds for each stack, and for all of them. */
export function livesTable(lives: readonly Life[]): string {
  const cell = (total: number, stacks: number) => `${(total / stacks).toFixed(2)} (${total.toFixed(0)})`;
  const lines = lives.map(({ stacks, create, configure, close }) => [
    `${stacks}`,
    cell(create, stacks),
    cell(configure, stacks),
    cell(close, stacks),
  ]);
  const title = 'Life of vdestacks, made one after the other and closed all at once: ms a stack (ms in all)';
  return `${title}\n${columns([['stacks', 'create', 'configure', 'close'], ...lines])}`;
}

const DIGITS: Record<Unit, number> = { 'MB/s': 0, '/s': 0, µs: 1, ms: 2, kB: 1 };

function shown(value: number, unit: Unit): string {
  return `${value.toFixed(DIGITS[unit])} ${unit}`;
}

/** Aligns the cells of each column. */
export function columns(lines: readonly string[][]): string {
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines.map((line) => `  ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd()).join('\n');
}
