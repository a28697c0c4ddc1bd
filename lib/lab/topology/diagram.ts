import { checkBoolean, checkOneOf, checkOptions } from '../../core/validate.js';
import { AS_MADE, type LabNow } from './drawing.js';
import { mermaid } from './mermaid.js';
import { svg } from './svg.js';
import type { Topology } from './topology.js';

/** Options of `lab.diagram()`. */
export interface DiagramOptions {
  /** 'mermaid', the text of a flowchart, or 'svg', an image for light and dark pages that loads nothing. Default 'mermaid'. */
  format?: 'mermaid' | 'svg';
  /**
   * True to show what is now: hosts that are down or have moved, partitions, cuts, faults that were set. False to show the lab as
   * it was made. Default true.
   */
  live?: boolean;
}

const FORMATS = { mermaid, svg };

/** Draws a lab. @throws {TypeError} for invalid options */
export function diagram(topology: Topology, now: LabNow, options?: DiagramOptions): string {
  const { format = 'mermaid', live = true } = checkOptions(options, ['format', 'live']);
  checkOneOf('options.format', ['mermaid', 'svg'], format);
  return FORMATS[format](topology, checkBoolean('options.live', live) ? now : AS_MADE);
}
