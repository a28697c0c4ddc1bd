import { checkOptions } from '../core/validate.js';
import { checkTimeout } from '../socket/timeouts.js';
import { DEFAULT_LINGER_MS, type LingerLimits } from './linger.js';

/** Options for closing a stack. */
export interface CloseOptions {
  /** Seconds to wait while no peer accepts any of the data that TCP sockets sent. After that the peers get a reset. Default 5. */
  linger?: number;
}

export function checkCloseOptions(options: CloseOptions | undefined): void {
  checkTimeout('options.linger', checkOptions(options, ['linger']).linger ?? 0);
}

export function lingerLimits({ linger = DEFAULT_LINGER_MS / 1000 }: CloseOptions = {}): LingerLimits {
  return { stall: linger * 1000, total: Number.POSITIVE_INFINITY };
}
