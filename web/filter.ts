import { printable } from './dom.js';
import { isDropped } from './fate.js';
import type { Frame, Model } from './model.js';

type Test = (frame: Frame) => boolean;

export const FILTER_HELP =
  'Words that all must fit: a host, address or network, tcp udp icmp arp dns dhcp http tls, :80 or port 80, dropped, delayed, ' +
  'retransmission, or any text. ! before a word means not.';

/** A delay that was not only the time of the machine. */
const DELAYED_MS = 1;

/** Returns a test of frames by words. */
export function displayFilter(text: string, model: Model): Test {
  const words = text
    .toLowerCase()
    .replace(/\bport\s+(?=\d)/g, ':')
    .replace(/\b(?:host|and)\s+/g, '')
    .split(/\s+/)
    .filter(Boolean);
  const tests = words.map((word) => (word.startsWith('!') ? not(testOf(word.slice(1), model)) : testOf(word, model)));
  return (frame) => tests.every((test) => test(frame));
}

function not(test: Test): Test {
  return (frame) => !test(frame);
}

function testOf(word: string, model: Model): Test {
  const port = /^:(\d+)$/.exec(word)?.[1];
  if (port) return ({ decoded: { fromPort, toPort } }) => fromPort === Number(port) || toPort === Number(port);
  if (word === 'dropped') return isDropped;
  if (word === 'delayed') return ({ arrivals, time }) => arrivals.some(([, when]) => when - time >= DELAYED_MS);
  if (word === 'retransmission' || word === 'gap') return ({ tcp }) => tcp?.note === word;
  if (word === 'tcp') return ({ decoded }) => decoded.segment !== undefined;
  if (word === 'udp') return ({ decoded }) => decoded.segment === undefined && decoded.fromPort >= 0;
  if (word === 'ip') return ({ decoded }) => decoded.from !== '' && decoded.kind !== 'arp';
  const names = [...model.lab.hosts, ...model.lab.networks].map(({ name }) => name.toLowerCase());
  if (names.includes(word)) return (frame) => placesOf(frame, model).includes(word);
  return (frame) => textOf(frame).includes(word);
}

/** Returns the hosts that a frame has to do with, and its network. */
function placesOf(frame: Frame, model: Model): string[] {
  const { from, to } = frame.decoded;
  const arrivals = frame.arrivals.map(([host]) => host);
  return [frame.network, frame.from, ...arrivals, model.nameOf(from), model.nameOf(to)].map((name) =>
    name.toLowerCase(),
  );
}

function textOf({ decoded, comment }: Frame): string {
  const { protocol, from, to, info } = decoded;
  return printable(`${protocol} ${from} ${to} ${info} ${comment ?? ''}`).toLowerCase();
}
