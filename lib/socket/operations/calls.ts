import type { Operation } from '../../io/wait-queue.js';
import { ACCEPT_CALLS } from './accept.js';
import type { CallTarget, WithNames } from './call.js';
import { CONNECT_CALLS } from './connect.js';
import { MESSAGE_CALLS } from './message.js';
import { RECEIVE_CALLS } from './receive.js';
import { SEND_CALLS } from './send.js';
import { SENDFILE_CALLS } from './sendfile.js';

/** The calls of a socket that may wait. Socket has them as promises, `sync` as blocking calls. */
export const CALLS = {
  ...ACCEPT_CALLS,
  ...CONNECT_CALLS,
  ...RECEIVE_CALLS,
  ...MESSAGE_CALLS,
  ...SEND_CALLS,
  ...SENDFILE_CALLS,
};

export type ArgumentsOf<C> = C extends { make(target: CallTarget, ...args: infer Args): unknown }
  ? WithNames<Args>
  : never;
export type ResultOf<C> = C extends { make(...args: never[]): Operation<infer Result> } ? Result : never;
