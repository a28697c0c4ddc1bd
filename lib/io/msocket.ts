import { libioth, type StackPointer } from '../../ffi/ioth.js';
import { errno } from '../../ffi/libc.js';
import { EAGAIN, EINTR } from '../core/errno.js';
import { withSignalsBlocked } from './signal-mask.js';

/** Decides whether a reply will still come, for a stack that asks a daemon for its sockets. */
export interface ReplyTimeoutHandler {
  /** Notes the number of the try. Called before the second and each later try, and with 0 when one of them succeeded. */
  setAttempt(attempt: number): void;
  /** Called after a try that timed out or was interrupted: returns when the call can be retried. @throws if no reply will come */
  onReplyTimeout(): void;
}

/** The descriptor, and 0; or -1, and errno(3). */
type Reply = [fd: number, error: number];

const handlers = new Map<StackPointer, ReplyTimeoutHandler>();

/** Sets the handler of calls for `stack` that time out; undefined removes it. */
export function setReplyTimeoutHandler(stack: StackPointer, handler: ReplyTimeoutHandler | undefined): void {
  if (handler) handlers.set(stack, handler);
  else handlers.delete(stack);
}

/**
 * Calls ioth_msocket(3).
 *
 * A vdestack asks its daemon over a pipe. A signal at that moment (SIGCHLD of another stack's daemon) would end the call
 * with EINTR and leave the reply in the pipe for the next call: so signals are blocked. SIGSTOP cannot be; the SIGCONT after it
 * ends the call so too (signal(7), since the pipe has a timeout), and then the reply is taken out as that of a call that timed out.
 * @throws {IothError} ERR_STACK_DEAD if the daemon died during the call
 */
export function msocket(stack: StackPointer, domain: number, type: number, protocol: number): Reply {
  const call = (): Reply => {
    const fd = libioth().msocket(stack, domain, type, protocol);
    return [fd, fd < 0 ? errno() : 0];
  };
  const handler = handlers.get(stack);
  return handler ? withSignalsBlocked(() => callUntilReply(call, handler)) : call();
}

function callUntilReply(call: () => Reply, handler: ReplyTimeoutHandler): Reply {
  for (let attempt = 0; ; attempt++) {
    const result = call();
    if (result[1] !== EAGAIN && result[1] !== EINTR) {
      if (attempt > 0) handler.setAttempt(0);
      return result;
    }
    handler.onReplyTimeout();
    handler.setAttempt(attempt + 1);
  }
}
