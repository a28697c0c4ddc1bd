import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openPollHandles } from '../../lib/io/poll-handle.js';
import { children } from './processes.js';

/** What a process holds and must give back. */
export interface Holdings {
  /** '/proc/self/fd' as 'number -> target'. */
  descriptors: string[];
  /** Process ids, stack daemons among them. */
  children: number[];
  pollHandles: number;
}

export function holdings(): Holdings {
  return { descriptors: descriptors(), children: children(), pollHandles: openPollHandles() };
}

/** Waits until the process holds no more than `before`; after `patience` milliseconds it fails and shows what is left. */
export async function expectNothingLeft(before: Holdings, patience = 5000): Promise<void> {
  const deadline = performance.now() + patience;
  while (!isBack(before) && performance.now() < deadline) await delay(20);
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

function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} -> ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      // the descriptor of this very listing
      return [];
    }
  });
}
