import { Graph, layout } from '@dagrejs/dagre';
import type { PageLab } from '../../lib/lab/web/protocol.js';

export interface Place {
  x: number;
  y: number;
  readonly width: number;
  readonly height: number;
}

/** The width of a character, and the height of a line, of the text in the drawing. */
const CHARACTER = 7.3;
export const LINE = 15;
const PADDING = 22;

export function hostKey(name: string): string {
  return `host ${name}`;
}

export function networkKey(name: string): string {
  return `network ${name}`;
}

/** Returns the size of a box with some lines of text. */
export function sizeOf(lines: readonly string[]): { width: number; height: number } {
  const longest = Math.max(...lines.map((line) => line.length));
  return { width: Math.max(70, longest * CHARACTER + PADDING), height: lines.length * LINE + PADDING - 6 };
}

/** Places the hosts and networks. Those of a network stand on both sides of it. */
export function placesOf(
  lab: PageLab,
  isWide: boolean,
  linesOf: (key: string) => readonly string[],
): Map<string, Place> {
  const graph = new Graph();
  graph.setGraph({ rankdir: isWide ? 'LR' : 'TB', nodesep: 26, ranksep: isWide ? 120 : 60, marginx: 12, marginy: 12 });
  graph.setDefaultEdgeLabel(() => ({}));
  const keys = [...lab.networks.map(({ name }) => networkKey(name)), ...lab.hosts.map(({ name }) => hostKey(name))];
  for (const key of keys) graph.setNode(key, sizeOf(linesOf(key)));
  const leaves = new Map<string, number>();
  for (const { name, cables } of lab.hosts) {
    const isLeaf = cables.length === 1;
    for (const [i, { network }] of cables.entries()) {
      const count = leaves.get(network) ?? 0;
      if (isLeaf) leaves.set(network, count + 1);
      const isBefore = isLeaf ? count % 2 === 0 : i > 0;
      if (isBefore) graph.setEdge(hostKey(name), networkKey(network));
      else graph.setEdge(networkKey(network), hostKey(name));
    }
  }
  layout(graph);
  return new Map(
    keys.map((key) => {
      const { x, y } = graph.node(key) as { x: number; y: number };
      return [key, { x, y, ...sizeOf(linesOf(key)) }];
    }),
  );
}

/** Returns the share of a cable that the box at its beginning covers. */
export function shareIn(from: Place, to: Place): number {
  const [dx, dy] = [Math.abs(to.x - from.x), Math.abs(to.y - from.y)];
  return Math.min(dx > 0 ? from.width / 2 / dx : 1, dy > 0 ? from.height / 2 / dy : 1, 0.5);
}
