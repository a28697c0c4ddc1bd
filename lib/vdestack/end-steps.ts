/** A step of an end, in two forms. */
export interface EndStep {
  /** Takes the step while the event loop runs. Returns undefined if there is nothing to wait for. */
  end(): Promise<unknown> | undefined;
  /** Takes the step, and blocks the thread. */
  endSync(): void;
}

/** Steps in their order; those of one row do not wait for each other. */
export type EndSteps = Iterable<readonly (EndStep | undefined)[]>;

/** Takes the steps. If none has to be waited for, all are taken before this returns. */
export async function endInOrder(steps: EndSteps): Promise<void> {
  for (const row of steps) {
    const ends = row.map((step) => step?.end()).filter((ended) => ended !== undefined);
    if (ends.length > 0) await Promise.all(ends);
  }
}

export function endInOrderSync(steps: EndSteps): void {
  for (const row of steps) for (const step of row) step?.endSync();
}
