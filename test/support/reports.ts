/** What has something to say when a test fails: the children that it started, its networks. */
export interface Reporter {
  /** A test begins: what was before does not count. */
  forget(): void;
  report(): string[];
}

export const reporters = new Set<Reporter>();
