import { openPollHandles } from '../../lib/io/poll-handle.js';
import { children, openDescriptors } from './processes.js';
import { becomes } from './until.js';

/** What a process holds and must give back. */
export interface Holdings {
  /** '/proc/self/fd' as 'number -> target'. */
  descriptors: string[];
  /** Process ids, stack daemons among them. */
  children: number[];
  pollHandles: number;
}

export function holdings(): Holdings {
  return { descriptors: openDescriptors(), children: children(), pollHandles: openPollHandles() };
}

/** Waits until the process holds no more than `before`; it fails, and shows what is left, where that never is so. */
export async function expectNothingLeft(before: Holdings): Promise<void> {
  await becomes(() => isBack(before));
  expectNothingLeftNow(before);
}

/** Fails where the process holds more than `before`. */
export function expectNothingLeftNow(before: Holdings): void {
  const now = holdings();
  const left = {
    descriptors: isMore(now.descriptors, before.descriptors)
      ? now.descriptors.filter((descriptor) => !before.descriptors.includes(descriptor))
      : [],
    children: now.children.filter((pid) => !before.children.includes(pid)),
    pollHandles: now.pollHandles - before.pollHandles,
  };
  expect(left).toEqual({ descriptors: [], children: [], pollHandles: 0 });
}

function isBack(before: Holdings): boolean {
  const now = holdings();
  return (
    !isMore(now.descriptors, before.descriptors) &&
    now.children.every((pid) => before.children.includes(pid)) &&
    now.pollHandles === before.pollHandles
  );
}

// by number: jest may have closed one of its own and opened another meanwhile
function isMore(now: string[], before: string[]): boolean {
  return now.length > before.length;
}
