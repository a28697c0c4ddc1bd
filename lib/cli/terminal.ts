import { inspect, styleText } from 'node:util';
import { printableJson } from '../core/printable.js';

/** Returns whether `stream` is a terminal with colours, and NO_COLOR is not set. */
export function isColoured(stream: NodeJS.WriteStream = process.stdout): boolean {
  return stream.isTTY && !process.env.NO_COLOR && stream.hasColors();
}

export function styled(
  style: Parameters<typeof styleText>[0],
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): string {
  return isColoured(stream) ? styleText(style, text) : text;
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints JSON, for another program to read. */
export function printJson(value: unknown): void {
  print(printableJson(JSON.stringify(value, null, 2)));
}

export function printError(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Formats a list of a stack as ip(8) does, with colours at a terminal; '' if it is empty. */
export function listText(list: readonly unknown[]): string {
  return list.length === 0 ? '' : inspect(list, { colors: isColoured() });
}

/** Formats rows of equal length as columns, each as wide as its widest cell. The last column is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, i) => Math.max(cell.length, widest[i] ?? 0)),
    [],
  );
  const lines = rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '));
  return lines.map((line) => line.trimEnd()).join('\n');
}
