import { type AddressPrefix, isInPrefix } from '../address-prefix.js';
import type { Headers } from '../headers.js';
import { matchesDns } from './dns-match.js';
import type { MatchPlan, PatternPlan } from './match.js';

/** Returns whether a frame matches. It must not allocate: it is called for each frame. */
export type Matcher = (frame: Buffer, headers: Headers) => boolean;

type NumberOf = 'etherType' | 'protocol' | 'fromPort' | 'toPort';

/** Compiles a match: what a packet has, without the ports of the network. */
export function compileMatch(plan: MatchPlan): Matcher {
  const matches = compilePattern(plan);
  const isExcluded = plan.not && compilePattern(plan.not);
  if (!isExcluded) return matches;
  return (frame, headers) => matches(frame, headers) && !isExcluded(frame, headers);
}

function compilePattern(plan: PatternPlan): Matcher {
  const tests = [
    protocolTest(plan),
    plan.ports && eitherOf(numberTest('fromPort', plan.ports), numberTest('toPort', plan.ports)),
    plan.fromPorts && numberTest('fromPort', plan.fromPorts),
    plan.toPorts && numberTest('toPort', plan.toPorts),
    plan.addresses && eitherOf(addressTest('fromAddress', plan.addresses), addressTest('toAddress', plan.addresses)),
    plan.fromAddresses && addressTest('fromAddress', plan.fromAddresses),
    plan.toAddresses && addressTest('toAddress', plan.toAddresses),
    flagsTest(plan),
    icmpTest(plan),
    dnsTest(plan),
    // the slowest one, so it comes last
    payloadTest(plan),
  ].filter((test) => test !== undefined);
  return (frame, headers) => {
    for (const test of tests) if (!test(frame, headers)) return false;
    return true;
  };
}

function eitherOf(one: Matcher, other: Matcher): Matcher {
  return (frame, headers) => one(frame, headers) || other(frame, headers);
}

function numberTest(what: NumberOf, accepted: readonly number[]): Matcher {
  return (_, headers) => accepted.includes(headers[what]);
}

function protocolTest({ etherTypes, protocols }: PatternPlan): Matcher | undefined {
  if (!etherTypes || !protocols) return undefined;
  return eitherOf(numberTest('etherType', etherTypes), numberTest('protocol', protocols));
}

function addressTest(which: 'fromAddress' | 'toAddress', accepted: readonly AddressPrefix[]): Matcher {
  return (frame, headers) => {
    for (const address of accepted) {
      if (isInPrefix(frame, headers[which], headers.addressLength, address)) return true;
    }
    return false;
  };
}

function flagsTest({ flags }: PatternPlan): Matcher | undefined {
  if (!flags) return undefined;
  return (_, headers) => {
    if (headers.flags < 0) return false;
    for (const { set, clear } of flags) if ((headers.flags & (set | clear)) === set) return true;
    return false;
  };
}

function icmpTest({ icmp }: PatternPlan): Matcher | undefined {
  if (!icmp) return undefined;
  return (_, headers) => {
    for (const { protocol, type, code, notCode } of icmp) {
      if (headers.protocol !== protocol || headers.icmpType !== type) continue;
      if (headers.icmpCode !== notCode && (code < 0 || headers.icmpCode === code)) return true;
    }
    return false;
  };
}

function dnsTest({ dns }: PatternPlan): Matcher | undefined {
  return dns && ((frame, headers) => matchesDns(dns, frame, headers));
}

function payloadTest({ payload }: PatternPlan): Matcher | undefined {
  return payload && ((frame, headers) => contains(frame, headers, payload));
}

function contains(frame: Buffer, { payload, end }: Headers, bytes: Uint8Array): boolean {
  const first = bytes[0]!;
  const size = bytes.length;
  for (let at = payload; at + size <= end; at++) {
    if (frame[at] !== first) continue;
    let same = 1;
    while (same < size && frame[at + same] === bytes[same]) same++;
    if (same === size) return true;
  }
  return false;
}
