import type { ConfigEvents } from '../config/index.js';
import type { IothError } from '../core/errors.js';

/** The events of a {@link Stack}, each with the arguments of its listeners. */
export type StackEvents = {
  /** The stack's daemon died: ERR_STACK_DEAD. 'close' follows. */
  error: [error: IothError];
  /** The stack is gone. */
  close: [];
} & { [Name in keyof ConfigEvents]: [event: ConfigEvents[Name]] };
