import { timeText } from './format.js';
import type { Frame, Model } from './model.js';

/** A part of a comment that tells that a frame went no further. */
const DROPPED = /dropped|intercepted: (?:drop|reject)/;
const TO = /^to (\S+): /;

/** Returns whether somebody did not get a frame, on purpose. */
export function isDropped({ comment }: Pick<Frame, 'comment'>): boolean {
  return comment !== undefined && DROPPED.test(comment);
}

/** Returns the hosts for which a frame was dropped; undefined stands for the one that it was for, or all. */
export function losersOf({ comment }: Pick<Frame, 'comment'>): (string | undefined)[] {
  const parts = comment?.split('; ').filter((part) => DROPPED.test(part)) ?? [];
  return parts.map((part) => TO.exec(part)?.[1]);
}

/** Returns what became of a frame, in words. */
export function fateText(frame: Frame, model: Model): string {
  const reached = frame.arrivals.map(([host, time]) => `reached ${host}${delayText(time - frame.time)}`);
  const comments = frame.comment?.split('; ').map(inWords) ?? [];
  if (reached.length + comments.length > 0) return [...reached, ...comments].join('; ');
  const receiver = model.receiverOf(frame);
  return receiver === undefined || receiver === frame.from ? 'nobody has taken it' : `on its way to ${receiver}`;
}

function delayText(ms: number): string {
  return ms < 1 ? '' : ` after ${timeText(ms)}`;
}

const WORDS: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/^dropped: loss$/, 'was lost by the fault ‘loss’'],
  [/^dropped: partition$/, 'was stopped by the partition'],
  [/^dropped: cut$/, 'was stopped by a cut'],
  [/^dropped: the queue of the link is full$/, 'found the queue of the link full'],
  [/^dropped: codel$/, 'was dropped by CoDel: it had waited too long'],
  [/^dropped: the port is down$/, 'was stopped: the host is down'],
  [/^dropped: the receiver takes no more$/, 'was not taken by its receiver, which is too slow'],
];

function inWords(comment: string): string {
  const to = TO.exec(comment);
  const rest = to ? comment.slice(to[0].length) : comment;
  const words = WORDS.find(([pattern]) => pattern.test(rest))?.[1] ?? rest;
  return to ? `${words}, for ${to[1]}` : words;
}
