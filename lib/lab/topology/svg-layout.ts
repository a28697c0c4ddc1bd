/*
 * The places of a network diagram. Each network is a horizontal bar, one below the other. A host hangs below the first of its bars,
 * in a column that it shares with no other host as far down as its cables go.
 */

/** A network. */
export interface Bar {
  /** The lines of text left of it. */
  readonly texts: readonly string[];
}

/** A cable of a host. */
export interface Cable {
  /** The number of the bar. */
  readonly bar: number;
  /** The lines of text beside it. */
  readonly texts: readonly string[];
}

/** A host. */
export interface Box {
  readonly texts: readonly string[];
  /** Its cables, in the order of their bars. */
  readonly cables: readonly Cable[];
}

export interface PlacedCable<C extends Cable> {
  readonly cable: C;
  readonly x: number;
  /** Where it leaves the box, and where it meets the bar. */
  readonly from: number;
  readonly to: number;
  /** Where its text begins, at the baseline of the first line. */
  readonly text: readonly [x: number, y: number];
}

export interface PlacedBox<B extends Box, C extends Cable> {
  readonly box: B;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly cables: readonly PlacedCable<C>[];
}

export interface PlacedBar<R extends Bar> {
  readonly bar: R;
  readonly y: number;
  /** Where it begins and ends. */
  readonly left: number;
  readonly right: number;
}

export interface Layout<R extends Bar, B extends Box> {
  readonly width: number;
  readonly height: number;
  readonly bars: readonly PlacedBar<R>[];
  readonly boxes: readonly PlacedBox<B, B['cables'][number]>[];
}

export const MARGIN = 20;
export const LINE_HEIGHT = 16;
/** From a baseline to the top of its line. */
export const ASCENT = 12;
export const PADDING = 8;
const FONT_WIDTH = 7.3;
const COLUMN_GAP = 22;
const CABLE_INSET = 14;
const CABLE_GAP = 9;
const TEXT_GAP = 7;
const MIN_CABLE = 20;
const MIN_BAR = 60;
const ROW_GAP = 14;

/** Places networks and hosts. */
export function layOut<R extends Bar, B extends Box>(bars: readonly R[], boxes: readonly B[]): Layout<R, B> {
  const columns = columnsOf(bars.length, boxes);
  const gutter = MARGIN + Math.max(0, ...bars.map(({ texts }) => widthOf(texts))) + PADDING;
  const lefts = leftsOf(gutter + PADDING, boxes, columns);
  const rows = rowsOf(bars, boxes);
  const placed = boxes.map((box) => place(box, lefts[columns.get(box)!]!, rows));
  const meeting = bars.map((_, i) =>
    placed.flatMap(({ cables }) => cables.filter(({ cable }) => cable.bar === i).map(({ x }) => x)),
  );
  return {
    width: Math.max(gutter + MIN_BAR, lefts.at(-1)! - COLUMN_GAP) + MARGIN,
    height: rows.at(-1)!.end - ROW_GAP + MARGIN,
    bars: bars.map((bar, i) => {
      return { bar, y: rows[i]!.bar, left: gutter, right: Math.max(gutter + MIN_BAR, ...meeting[i]!) };
    }),
    boxes: placed,
  };
}

/** Returns the rows that a host needs: those below its bars, but for the last one of several. */
function rowsUnder({ cables }: Box): number[] {
  const [first, last] = [cables[0]!.bar, cables.at(-1)!.bar];
  return Array.from({ length: Math.max(1, last - first) }, (_, i) => first + i);
}

/** Returns the column of each box. Long ways are on the right, so that they cross few bars. */
function columnsOf<B extends Box>(rowCount: number, boxes: readonly B[]): Map<B, number> {
  const taken = Array.from({ length: rowCount }, () => new Set<number>());
  const columns = new Map<B, number>();
  for (const box of [...boxes].sort((one, other) => rowsUnder(one).length - rowsUnder(other).length)) {
    const rows = rowsUnder(box);
    let column = 0;
    while (rows.some((row) => taken[row]!.has(column))) column++;
    for (const row of rows) taken[row]!.add(column);
    columns.set(box, column);
  }
  return columns;
}

/** Returns where each column begins, and last where one more would. */
function leftsOf<B extends Box>(start: number, boxes: readonly B[], columns: ReadonlyMap<B, number>): number[] {
  const widths: number[] = [];
  for (const box of boxes) {
    const column = columns.get(box)!;
    const texts = box.cables.map((cable) => textInset(box) + widthOf(cable.texts));
    widths[column] = Math.max(widths[column] ?? 0, boxWidth(box), ...texts);
  }
  const lefts = [start];
  for (const width of widths) lefts.push(lefts.at(-1)! + width + COLUMN_GAP);
  return lefts;
}

interface Row {
  readonly bar: number;
  /** The top of its boxes. */
  readonly boxes: number;
  readonly end: number;
}

function rowsOf(bars: readonly Bar[], boxes: readonly Box[]): Row[] {
  const rows: Row[] = [];
  let y = MARGIN + ASCENT;
  bars.forEach((bar, i) => {
    const here = boxes.filter(({ cables }) => cables[0]!.bar === i);
    const arriving = boxes.flatMap(({ cables }) => cables.slice(1).filter((cable) => cable.bar === i + 1));
    const above = Math.max(0, ...here.map(({ cables }) => textHeight(cables[0]!.texts)));
    const middle = Math.max(0, ...here.map((box) => boxHeight(box)));
    const below = Math.max(0, ...arriving.map(({ texts }) => textHeight(texts)));
    const needed = above + middle + below + ROW_GAP;
    const end = y + Math.max(needed, bar.texts.length * LINE_HEIGHT + ROW_GAP);
    rows.push({ bar: y, boxes: y + above, end });
    y = end;
  });
  return rows;
}

function place<B extends Box>(box: B, x: number, rows: readonly Row[]): PlacedBox<B, B['cables'][number]> {
  const first = rows[box.cables[0]!.bar]!;
  const height = boxHeight(box);
  const textX = x + textInset(box);
  return {
    box,
    x,
    y: first.boxes,
    width: boxWidth(box),
    height,
    cables: box.cables.map((cable, i) => {
      const to = rows[cable.bar]!.bar;
      if (i === 0) {
        const text = [x + CABLE_INSET + TEXT_GAP, to + PADDING + ASCENT] as const;
        return { cable, x: x + CABLE_INSET, from: first.boxes, to, text };
      }
      const textY = to - PADDING - (cable.texts.length - 1) * LINE_HEIGHT;
      return { cable, x: x + CABLE_INSET + (i - 1) * CABLE_GAP, from: first.boxes + height, to, text: [textX, textY] };
    }),
  };
}

/** Returns how far right of its box the text beside the cables below begins. */
function textInset({ cables }: Box): number {
  return CABLE_INSET + Math.max(0, cables.length - 2) * CABLE_GAP + TEXT_GAP;
}

function boxWidth(box: Box): number {
  return Math.max(widthOf(box.texts) + 2 * PADDING, textInset(box) + CABLE_INSET);
}

function boxHeight({ texts }: Box): number {
  return texts.length * LINE_HEIGHT + PADDING;
}

function textHeight(texts: readonly string[]): number {
  return Math.max(MIN_CABLE, texts.length * LINE_HEIGHT + 2 * PADDING - 2);
}

function widthOf(texts: readonly string[]): number {
  return Math.ceil(Math.max(0, ...texts.map((text) => text.length)) * FONT_WIDTH);
}
