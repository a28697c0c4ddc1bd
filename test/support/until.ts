import { setTimeout as delay } from 'node:timers/promises';

/** How long anything may take that ends, in milliseconds: what takes longer hangs. */
export const PATIENCE_MS = 120_000;

/** Waits until something is so. @returns whether it was, within PATIENCE_MS */
export async function becomes(isSo: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) return false;
    await delay(5);
  }
  return true;
}

/** Waits until something is so, and fails where it never is. @param what what is waited for */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  if (!(await becomes(isSo))) throw new Error(`waited ${PATIENCE_MS / 1000} s until ${what}`);
}

/** Whether a timer of so many milliseconds, which is set now, has run out: what waits for longer settles after it. */
export function timer(milliseconds: number): () => boolean {
  let isOver = false;
  setTimeout(() => {
    isOver = true;
  }, milliseconds);
  return () => isOver;
}

/** For loops that go on for about so many milliseconds: whether they may still. */
export function lasting(milliseconds: number): () => boolean {
  const end = performance.now() + milliseconds;
  return () => performance.now() < end;
}
