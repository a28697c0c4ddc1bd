/** Finds the switches that a locator joins, and checks that they answer. */

import { realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { untilAborted } from '../../core/abort.js';
import { IothError } from '../../core/errors.js';
import { GrowingPause } from '../../core/waiting.js';
import { waitInterruptibly } from '../../io/interruptible-wait.js';
import { READABLE } from '../../io/poll-handle.js';
import { joinedPath, resolveLocator } from '../locator.js';
import { SwitchPeer } from './switch-peer.js';

/** The time that a switch has to answer by default, in milliseconds. */
export const ANSWER_TIMEOUT_MS = 10_000;
/** The time that a switch has, after its answer, to close what it opened for our peer. */
const GOODBYE_TIMEOUT_MS = 500;
/** Most answers come within this time; signals are watched only after it. */
const PROMPT_MS = 2;
/** The paths that `vde://` without a path tries. */
const DEFAULT_SWITCHES = ['/var/run/vde.ctl', '/tmp/vde.ctl'];

/** The context of a question to a switch: the locator, the call for errors, and the timeout in milliseconds. */
export interface SwitchQuestion {
  readonly vnl: string;
  readonly syscall: string;
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/** Returns the directories of the switches that a VNL joins; none if it joins none, or none is there. */
export function joinedDirectories(vnl: string): string[] {
  const path = joinedPath(resolveLocator(vnl));
  if (path === undefined) return [];
  return (path === '' ? DEFAULT_SWITCHES : [path]).flatMap(directoryOf);
}

/** Returns whether a VNL joins a switch that is there. */
export function joinsSwitch(vnl: string): boolean {
  return joinedDirectories(vnl).length > 0;
}

/**
 * Waits until the switches that a VNL joins have answered a peer of our own. Call it before vde_open(3) of `vde://`, which waits
 * for the answer without a timeout, blocks its thread, and cannot be cancelled.
 * @throws {IothError} ETIMEDOUT
 * @throws {AbortError}
 */
export async function untilServed(question: SwitchQuestion): Promise<void> {
  const { vnl, timeout, signal } = question;
  const deadline = performance.now() + timeout;
  for (const directory of joinedDirectories(vnl)) {
    const peer = await connected(directory, async (pause) => {
      await untilAborted(delay(Math.max(0, Math.min(pause, deadline - performance.now()))), signal);
      if (performance.now() >= deadline) throw unanswered(question);
    });
    if (!peer) continue;
    try {
      if (!(await peer.replied(deadline - performance.now(), signal))) throw unanswered(question);
      if (!peer.takeReply()) continue;
      peer.leave();
      await peer.replied(GOODBYE_TIMEOUT_MS, signal);
    } finally {
      peer.close();
    }
  }
}

/**
 * Waits like {@link untilServed}, but blocks the thread. A signal that ends the program ends the wait, if interruptFd() and
 * hookIntoExit() were called before.
 * @throws {IothError} ETIMEDOUT, EINTR
 */
export function untilServedSync(question: SwitchQuestion): void {
  const { vnl, syscall, timeout } = question;
  const deadline = performance.now() + timeout;
  const left = () => Math.max(0, deadline - performance.now());
  for (const directory of joinedDirectories(vnl)) {
    const peer = connectedSync(directory, (pause) => {
      waitInterruptibly(-1, READABLE, Math.min(pause, left()), syscall);
      if (left() === 0) throw unanswered(question);
    });
    if (!peer) continue;
    try {
      if (!peer.hasReply(PROMPT_MS) && !waitInterruptibly(peer.fd, READABLE, left(), syscall))
        throw unanswered(question);
      if (!peer.takeReply()) continue;
      peer.leave();
      peer.hasReply(GOODBYE_TIMEOUT_MS);
    } finally {
      peer.close();
    }
  }
}

/** Returns a peer of the switch; undefined if it cannot be joined: vde_open(3) then reports why. */
async function connected(directory: string, rest: (pause: number) => Promise<void>): Promise<SwitchPeer | undefined> {
  for (const pause = new GrowingPause(); ; ) {
    const peer = tryToConnect(directory);
    if (peer !== 'full') return peer;
    await rest(pause.take());
  }
}

function connectedSync(directory: string, rest: (pause: number) => void): SwitchPeer | undefined {
  for (const pause = new GrowingPause(); ; ) {
    const peer = tryToConnect(directory);
    if (peer !== 'full') return peer;
    rest(pause.take());
  }
}

/** Returns 'full' if the queue of connections to accept is full. */
function tryToConnect(directory: string): SwitchPeer | 'full' | undefined {
  try {
    return new SwitchPeer(directory);
  } catch (error) {
    return error instanceof IothError && error.code === 'EAGAIN' ? 'full' : undefined;
  }
}

/** Returns the error of a switch that takes too long. */
export function unanswered({ vnl, syscall, timeout }: SwitchQuestion): IothError {
  const hint = `the switch did not answer within ${Math.round(timeout)} ms`;
  return new IothError('ETIMEDOUT', { syscall, address: vnl, hint });
}

function directoryOf(path: string): string[] {
  try {
    return statSync(join(path, 'ctl')).isSocket() ? [realpathSync(path)] : [];
  } catch {
    return [];
  }
}
