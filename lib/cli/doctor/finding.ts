/** What one check of `ioth doctor` found. */
export interface Finding {
  /** What was checked: 'libioth', '/dev/net/tun'. */
  readonly check: string;
  /** 'missing' is what not everybody needs; 'fault' is what keeps stacks from working. */
  readonly status: 'ok' | 'missing' | 'warning' | 'fault';
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string;
  /** Of a library: its file, and the package that brought it, with its version. */
  readonly path?: string;
  readonly version?: string;
  readonly package?: string;
}

export function ok(check: string, message: string, details: Partial<Finding> = {}): Finding {
  return { check, status: 'ok', message, ...details };
}

export function fault(check: string, message: string, remedy: string): Finding {
  return { check, status: 'fault', message, remedy };
}

export function warning(check: string, message: string, remedy: string): Finding {
  return { check, status: 'warning', message, remedy };
}

export function missing(check: string, message: string, remedy: string): Finding {
  return { check, status: 'missing', message, remedy };
}
