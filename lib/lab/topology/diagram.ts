import { checkBoolean, checkOneOf, checkOptions } from '../../core/validate.js';
import type { DiagramOptions } from './diagram-options.js';
import { AS_MADE, type LabNow } from './drawing.js';
import { mermaid } from './mermaid.js';
import { svg } from './svg.js';
import type { Topology } from './topology.js';

const FORMATS = { mermaid, svg };

/** Draws a lab. @throws {TypeError} for invalid options */
export function diagram(topology: Topology, now: LabNow, options?: DiagramOptions): string {
  const { format = 'mermaid', live = true } = checkOptions(options, ['format', 'live']);
  checkOneOf('options.format', ['mermaid', 'svg'], format);
  return FORMATS[format](topology, checkBoolean('options.live', live) ? now : AS_MADE);
}
