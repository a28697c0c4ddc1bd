/** Errors that a stack reports: NLMSG_ERROR and NLMSG_DONE of netlink(7). */

import { IS_LITTLE_ENDIAN, intOf, viewOf } from '../core/byte-order.js';
import { codeOf } from '../core/errno.js';
import { type IothError, systemError } from '../core/errors.js';
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_ERROR, NLMSGERR_ATTR_MSG } from './constants.js';
import { align4, decodeAttributes, HEADER_SIZE, type Message, malformed, stringOf } from './message.js';

/** Advice by error code; a function if the stack must be asked first. */
export type Hints = Readonly<Record<string, string | (() => string)>>;

/**
 * Returns the error in an NLMSG_ERROR or NLMSG_DONE, with the kernel's extended acknowledgement if it sent one; undefined for
 * an acknowledgement, which is 0, or a positive number (picox).
 */
export function failureOf(message: Message, syscall: string, hints: Hints = {}): IothError | undefined {
  const { payload } = message;
  if (payload.length < 4) throw malformed(syscall, `an error of ${payload.length} bytes`);
  const error = -intOf(payload);
  if (error <= 0) return undefined;
  const hint = hints[codeOf(error)];
  const texts = [extendedAck(message, syscall), typeof hint === 'function' ? hint() : hint];
  return systemError(error, syscall, { hint: texts.filter(Boolean).join(': ') || undefined });
}

// struct nlmsgerr: the error, the header of the request, the rest of the request unless capped, the attributes
function extendedAck({ flags, payload, type }: Message, syscall: string): string | undefined {
  if ((flags & NLM_F_ACK_TLVS) === 0) return undefined;
  let start = 4;
  if (type === NLMSG_ERROR) {
    start += HEADER_SIZE;
    if (payload.length < start) throw malformed(syscall, `an error of ${payload.length} bytes`);
    const requestLength = viewOf(payload).getUint32(4, IS_LITTLE_ENDIAN);
    if ((flags & NLM_F_CAPPED) === 0) start += Math.max(0, requestLength - HEADER_SIZE);
  }
  if (align4(start) > payload.length) throw malformed(syscall, 'an error whose request is cut off');
  return stringOf(decodeAttributes(payload.subarray(align4(start)), syscall).get(NLMSGERR_ATTR_MSG));
}
