/** The switches that a locator joins, and whether they answer. */

import { realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { untilAborted } from '../core/abort.js';
import { IothError } from '../core/errors.js';
import { GrowingPause } from '../core/growing-pause.js';
import { waitInterruptibly } from '../io/interruptible-wait.js';
import { READABLE } from '../io/poll-handle.js';
import { joinedPath, resolveLocator } from './locator.js';
import { SwitchPeer } from './switch-peer.js';

/** How long a switch has to answer, in milliseconds, unless the caller says otherwise. */
export const ANSWER_TIMEOUT_MS = 10_000;
/** How long one that answered has to close what it opened for the peer that asked. */
const GOODBYE_TIMEOUT_MS = 500;
/** Most answers come sooner: signals are watched after that. */
const PROMPT_MS = 2;
/** Where `vde://` without a path looks. */
const DEFAULT_SWITCHES = ['/var/run/vde.ctl', '/tmp/vde.ctl'];

/** Who asks a switch, and how long it has to answer, in milliseconds. */
export interface SwitchQuestion {
  readonly vnl: string;
  readonly syscall: string;
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/** The directories of the switches that a VNL joins; none where it joins none, or they are not there. */
export function joinedDirectories(vnl: string): string[] {
  const path = joinedPath(resolveLocator(vnl));
  if (path === undefined) return [];
  return (path === '' ? DEFAULT_SWITCHES : [path]).flatMap(directoryOf);
}

/** Whether there is a switch that a VNL joins. */
export function joinsSwitch(vnl: string): boolean {
  return joinedDirectories(vnl).length > 0;
}

/**
 * Waits until the switches that a VNL joins have answered a peer of our own. vde_open(3) of `vde://` waits for the answer
 * without a limit, blocks its thread, and cannot be called back.
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
 * The same, blocking. A signal that ends the program ends the wait, where interruptFd() and hookIntoExit() were called before.
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

/** A peer of the switch; undefined where there is none: vde_open(3) says itself why. */
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

/** 'full' where as many wait to be accepted as may. */
function tryToConnect(directory: string): SwitchPeer | 'full' | undefined {
  try {
    return new SwitchPeer(directory);
  } catch (error) {
    return error instanceof IothError && error.code === 'EAGAIN' ? 'full' : undefined;
  }
}

function unanswered({ vnl, syscall, timeout }: SwitchQuestion): IothError {
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
