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
