/** The result of one check of `ioth doctor`. */
export interface Finding {
  /** The name of the check: 'libioth', '/dev/net/tun'. */
  readonly check: string;
  /** 'missing' is something that only some users need; 'fault' keeps stacks from working. */
  readonly status: 'ok' | 'missing' | 'warning' | 'fault';
  readonly message: string;
  /** The way to fix it. */
  readonly remedy?: string;
  /** The file of a library, then the version, and the name, of the package that contains it. */
  readonly path?: string;
  readonly version?: string;
  readonly package?: string;
}

export function ok(check: string, message: string, details: Partial<Finding> = {}): Finding {
  return { check, status: 'ok', message, ...details };
}

type Problem = (check: string, message: string, remedy: string) => Finding;

function problem(status: Finding['status']): Problem {
  return (check, message, remedy) => ({ check, status, message, remedy });
}

export const fault = problem('fault');
export const warning = problem('warning');
export const missing = problem('missing');
