import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { nanosecondsNow } from '../../core/epoch.js';
import {
  checkEach,
  checkInteger,
  checkOptions,
  checkPort,
  checkString,
  INT_MAX,
  invalidType,
  invalidValue,
} from '../../core/validate.js';
import { within } from '../../core/waiting.js';
import type { PingProbe } from '../../ping/ping.js';
import { LabHost } from '../host.js';
import { lastFrame } from './last-frame.js';

/** Options of `toReach`. */
export interface ReachOptions {
  /** The time to try, in milliseconds. Default 5000. */
  timeout?: number;
}

/** Options of `toBeUnreachable`. */
export interface UnreachableOptions {
  /** The hosts that try. Default: all others of the lab. */
  from?: string | readonly string[];
  /** The time to try, in milliseconds. Default 1000. */
  timeout?: number;
}

/** The result of a check, as a matcher of jest returns it. */
export interface Finding {
  readonly pass: boolean;
  message(): string;
}

const REACH_TIMEOUT_MS = 5000;
const UNREACHABLE_TIMEOUT_MS = 1000;
const PING_INTERVAL_MS = 250;
const MAX_PINGS = 0xffff;
const PAUSE_MS = 20;
const NO_ANSWER = 'no answer';
/** The codes of what keeps a host from trying: its stack or lab is closed, the process has no descriptors, the name is none. */
const NOT_TRIED: readonly unknown[] = [
  'ERR_IOTH_LAB',
  'ERR_STACK_DEAD',
  'EBADF',
  'EMFILE',
  'ENFILE',
  'ERR_INVALID_ARG_VALUE',
];

/**
 * Checks whether a host reaches another one: by a TCP connection to `port` or, without one, by ping.
 * @param target a host of the lab, a name or an address
 * @throws {IothError} if the host could not try
 */
export async function findReach(
  host: unknown,
  target: unknown,
  port?: number,
  options?: ReachOptions,
): Promise<Finding> {
  const from = checkHost(host);
  const to = target instanceof LabHost ? target.name : checkString('target', target);
  if (port !== undefined) checkPort('port', port);
  const { timeout = REACH_TIMEOUT_MS } = checkOptions(options, ['timeout']);
  checkTimeout(timeout);
  const since = nanosecondsNow();
  const failure = await (port === undefined ? ping(from, to, timeout) : connect(from, to, port, timeout));
  const how = port === undefined ? ' by ping' : `, TCP port ${port}`;
  if (failure === undefined) return { pass: true, message: () => `${from.name} reaches ${to}${how}` };
  // the lab may be closed
  const last = await lastFrame(from.state, to, since).catch(() => undefined);
  const why = last === undefined ? failure : `${failure}; ${last}`;
  return { pass: false, message: () => `${from.name} does not reach ${to}${how}: ${why}` };
}

/**
 * Checks whether a host answers no ping of another host.
 * @throws {TypeError} if there is no other host
 * @throws {IothError} if one of them could not try
 */
export async function findUnreachable(host: unknown, options?: UnreachableOptions): Promise<Finding> {
  const target = checkHost(host);
  const { from, timeout = UNREACHABLE_TIMEOUT_MS } = checkOptions(options, ['from', 'timeout']);
  checkTimeout(timeout);
  const askers = from === undefined ? target.others : hostsOf(target, from);
  if (askers.length === 0) throw invalidValue('host', 'a host of a lab with others, which can try to reach it', host);
  const answers = await Promise.all(askers.map((asker) => ping(asker, target.name, timeout)));
  const reached = askers.filter((_, i) => answers[i] === undefined).map(({ name }) => name);
  const text =
    reached.length > 0
      ? `${target.name} is reached by ping from ${reached.join(', ')}`
      : `${target.name} is reached by none of ${askers.map(({ name }) => name).join(', ')}`;
  return { pass: reached.length === 0, message: () => text };
}

function checkHost(value: unknown): LabHost {
  if (value instanceof LabHost) return value;
  throw invalidType('host', 'a host of a lab, such as lab.hosts.alice', value);
}

function checkTimeout(timeout: unknown): void {
  checkInteger('options.timeout', timeout, 1, INT_MAX);
}

function hostsOf(target: LabHost, from: unknown): LabHost[] {
  const names = target.others.map(({ name }) => name).join(', ');
  const expected = `another host of the lab (${names})`;
  if (Array.isArray(from) && from.length === 0) throw invalidValue('options.from', expected, from);
  return checkEach(
    'options.from',
    `${expected}, or an array of them`,
    typeof from === 'string' ? [from] : from,
    (_, name) => {
      const found = target.others.find((other) => other.name === name);
      if (found) return found;
      throw invalidValue('options.from', expected, name);
    },
  );
}

/** Pings until there is one answer: the link may lose some, and be slow. @returns the reason for no answer, or undefined */
function ping(from: LabHost, to: string, timeout: number): Promise<string | undefined> {
  return retry(timeout, async (left) => {
    const [answered, ended] = [new AbortController(), AbortSignal.timeout(Math.ceil(left))];
    let failure = NO_ANSWER;
    const onProbe = ({ error }: PingProbe) => {
      if (error) failure = error.message;
      else answered.abort();
    };
    const signal = AbortSignal.any([answered.signal, ended]);
    try {
      await from.ping(to, { count: MAX_PINGS, interval: PING_INTERVAL_MS, timeout: INT_MAX, onProbe, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return answered.signal.aborted ? undefined : failure;
  });
}

/** Connects until it succeeds: a server that has not started yet refuses. @returns the reason for a failure, or undefined */
function connect(from: LabHost, host: string, port: number, timeout: number): Promise<string | undefined> {
  return retry(timeout, async (left) => {
    const socket = from.run(() => from.stack.net.connect({ host, port }));
    try {
      return (await within(once(socket, 'connect'), left)) ? undefined : NO_ANSWER;
    } finally {
      socket.destroy();
    }
  });
}

/**
 * Tries until it succeeds.
 * @param attempt gets the time that is left, and returns the reason for a failure
 * @throws {IothError} what kept the host from trying, up to the end
 */
async function retry(
  timeout: number,
  attempt: (left: number) => Promise<string | undefined>,
): Promise<string | undefined> {
  const deadline = performance.now() + timeout;
  let failure = NO_ANSWER;
  let obstacle: unknown;
  for (let left: number = timeout; left > 0; left = deadline - performance.now()) {
    obstacle = undefined;
    const now = await attempt(left).catch((error) => {
      if (NOT_TRIED.includes(error?.code)) obstacle = error;
      return messageOf(error);
    });
    if (now === undefined) return undefined;
    // the last try may have had no time to fail
    if (now !== NO_ANSWER) failure = now;
    await delay(PAUSE_MS);
  }
  // a host that restarts may try later
  if (obstacle !== undefined) throw obstacle;
  return failure;
}

function messageOf(error: unknown): string {
  // not by instanceof: jest has a class Error of its own
  const { message, errors } = Object(error) as Partial<AggregateError>;
  // Node's error of a host with several addresses has no message
  if (message === '' && Array.isArray(errors)) return errors.map(messageOf).join(', ');
  return message ?? String(error);
}
