/** Options of `lab.serve`. */
export interface ServeOptions {
  /** The port on 127.0.0.1. Default 0: any that is free. */
  port?: number;
}

/** A page that shows a lab, until it is closed. */
export interface LabPage extends AsyncDisposable {
  /** The address for a browser, with the secret that opens it. */
  readonly url: string;
  readonly port: number;
  /** Ends it, and the terminals that it has open. Closing twice is fine. */
  close(): Promise<void>;
}

/** Options of `lab.report`. */
export interface ReportOptions {
  /** What the report is of: the name of a test, and its error. */
  test?: { name: string; error?: string };
}
