import { parseHosts } from '../../../lib/dns/hosts.js';
import { parseResolvConf } from '../../../lib/dns/resolv-conf.js';
import { warnOfProblems } from '../../../lib/dns/text-lines.js';

/* A name of many lines took a time that grew with their square: these would take longer than a test may. */

it('reads a name that stands in 400,000 lines', () => {
  const hosts = parseHosts('10.0.0.1 ads.example.org\n'.repeat(400_000));
  expect(hosts.problems).toEqual([]);
  expect(hosts.byName('ads.example.org')).toHaveLength(400_000);
  expect(hosts.byName('none.example.org')).toEqual([]);
  expect(hosts.byAddress('10.0.0.1')).toBe('ads.example.org');
});

it('finds names among others, whatever their case, their dots and what stands around them', () => {
  const hosts = parseHosts(
    [
      '10.0.0.1 one.example one',
      '10.0.0.2\tTWO.Example.\tone.example.org # one.example',
      '# 10.0.0.3 one',
      'fd00::1  alone one.example',
      'one 10.0.0.4',
      'fd00:0::2 xone.example\r',
      '10.0.0.5 last',
    ].join('\n'),
  );
  const addresses = (name: string) => hosts.byName(name).map(({ address }) => address);
  expect(addresses('ONE.example.')).toEqual(['10.0.0.1', 'fd00::1']);
  expect(addresses('one')).toEqual(['10.0.0.1']);
  expect(addresses('two.example')).toEqual(['10.0.0.2']);
  expect(addresses('xone.example')).toEqual(['fd00:0::2']);
  expect(addresses('last')).toEqual(['10.0.0.5']);
  expect([addresses('example'), addresses(''), addresses('.'), addresses('10.0.0.1')]).toEqual([[], [], [], []]);
  expect(hosts.byName('one')).toEqual([{ address: '10.0.0.1', family: 2, canonical: 'one.example', aliases: ['one'] }]);
  expect(hosts.byAddress('fd00:0:0::2')).toBe('xone.example');
  expect(hosts.problems.map(({ line }) => line)).toEqual([5]);
});

it('repeats little of a long line in a warning', () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const names = Array.from({ length: 200 }, (_, i) => `long${i}.example.org`).join(' ');
  warnOfProblems('a test', parseResolvConf(`search ${names}\nnameserver ${'x'.repeat(5000)}\n`));
  const texts = warn.mock.calls.map(([message]) => String(message));
  warn.mockRestore();
  expect(texts).toEqual([
    expect.stringMatching(/^a test, line 1: more than 32 names: .*long0\.example\.org/),
    expect.stringMatching(/^a test, line 2: 'xxx/),
  ]);
  expect(Math.max(...texts.map(({ length }) => length))).toBeLessThan(400);
});
