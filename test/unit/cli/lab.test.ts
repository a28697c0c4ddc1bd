import type { Lab } from 'ioth/lab';
import { completeLine } from '../../../lib/cli/lab/completion.js';
import { CUT_DIRECTIONS, directionsOf, faultsOf, splitPairs } from '../../../lib/cli/lab/pairs.js';
import { statementsOf } from '../../../lib/cli/lab/statements.js';
import { topologyConfig } from '../../../lib/cli/lab/topologies.js';
import { drawing } from '../../../lib/lab/topology/drawing.js';
import { Topology } from '../../../lib/lab/topology/topology.js';

/* The parts of `ioth lab` that need no lab. */

describe('topologies', () => {
  const topology = (text: string) => new Topology(topologyConfig(text));
  const sizeOf = (text: string) => {
    const { networks, hosts } = topology(text);
    return [networks.length, hosts.length, hosts.filter(({ isRouter }) => isRouter).length];
  };

  test.each([
    ['star=1', 1, 1, 0],
    ['star=30', 1, 30, 0],
    ['star=200', 1, 200, 0],
    ['line=2', 1, 2, 0],
    ['line=4', 3, 4, 2],
    ['ring=3', 3, 3, 3],
    ['ring=6', 6, 6, 6],
    ['tree=1,5', 1, 5, 0],
    ['tree=2,3', 4, 12, 3],
    ['tree=3,2', 7, 14, 6],
    ['nat', 3, 5, 2],
  ])('%s has %i networks, %i hosts and %i routers', (text, ...sizes) => {
    expect(sizeOf(text)).toEqual(sizes);
  });

  test('a line, and a tree', () => {
    expect(drawing(topology('line=3'))).toBe(`net1 10.0.0.0/24
├─ alice  10.0.0.1
└─ bob    10.0.0.2  routes to net2
net2 10.0.1.0/24
├─ bob    10.0.1.1  routes to net1
└─ carol  10.0.1.2`);
    expect(drawing(topology('tree=2,2'))).toBe(`net1 10.0.0.0/24
├─ r1     10.0.0.1  routes to net2
└─ r2     10.0.0.2  routes to net3
net2 10.0.1.0/24
├─ r1     10.0.1.1  routes to net1
├─ alice  10.0.1.2
└─ bob    10.0.1.3
net3 10.0.2.0/24
├─ r2     10.0.2.1  routes to net1
├─ carol  10.0.2.2
└─ dave   10.0.2.3`);
  });

  test.each([
    ['str=5', "there is no topology 'str': did you mean 'star'? (star=N, line=N, ring=N, tree=DEPTH,FANOUT, nat)"],
    ['constructor', "there is no topology 'constructor' (star=N"],
    ['star', "the topology must be star=N, from 1 on, not 'star'"],
    ['star=0', 'from 1 on'],
    ['star=-1', 'from 1 on'],
    ['star=x', 'from 1 on'],
    ['star=201', '201 hosts: 200 at most'],
    ['line=1', 'from 2 on'],
    ['ring=2', 'from 3 on'],
    ['ring=9999', '200 at most'],
    ['tree=2', "must be tree=DEPTH,FANOUT, from 1,1 on, not 'tree=2'"],
    ['tree=9999,9999', '200 at most'],
    ['nat=3', "must be nat, not 'nat=3'"],
  ])('%s is refused', (text, message) => {
    expect(() => topologyConfig(text)).toThrow(message);
  });
});

describe('statements', () => {
  test.each([
    ['', []],
    [' ; ;\n', []],
    ['links', [['links', 'links']]],
    [
      ' alice  ping bob ;links',
      [
        ['alice  ping bob', 'alice', 'ping', 'bob'],
        ['links', 'links'],
      ],
    ],
    ['a \'b; c\' "d\\" \'e" f\\ g', [['a \'b; c\' "d\\" \'e" f\\ g', 'a', 'b; c', 'd" \'e', 'f g']]],
    ["a ''", [["a ''", 'a', '']]],
    ["x'y'z", [["x'y'z", 'xyz']]],
    [
      '# all\nlinks # now\nstats',
      [
        ['links', 'links'],
        ['stats', 'stats'],
      ],
    ],
    ['curl http://bob/#top', [['curl http://bob/#top', 'curl', 'http://bob/#top']]],
  ])('%j', (text, expected) => {
    expect(statementsOf(text).map(({ text: said, words }) => [said, ...words])).toEqual(expected);
  });

  test.each([
    ["alice echo 'x", "the quote ' has no end"],
    ['alice echo "x', 'the quote " has no end'],
    ['alice echo \\', 'a backslash has no end'],
  ])('%j is refused', (text, message) => {
    expect(() => statementsOf(text)).toThrow(message);
  });
});

describe('faults and directions', () => {
  const faults = (...args: string[]) => faultsOf(splitPairs(args).pairs);

  test('values as drawings have them', () => {
    expect(
      faults('delay=50', 'loss=0.01', 'rate=10mbit', 'order=false', 'queue={ms:50,type:codel}', 'loss={p:.1,r:1}'),
    ).toEqual({
      delay: 50,
      loss: { p: 0.1, r: 1 },
      rate: '10mbit',
      order: false,
      queue: { ms: 50, type: 'codel' },
    });
    expect(faults('delay=')).toEqual({ delay: '' });
    expect(() => faults('dealy=5')).toThrow("there is no fault 'dealy': did you mean 'delay'? (profile, delay");
  });

  test('hosts', () => {
    const directions = (...args: string[]) => directionsOf(splitPairs(args).pairs, CUT_DIRECTIONS);
    expect(directions()).toBe(undefined);
    expect(directions('from=alice,bob', 'to=carol')).toEqual({ from: ['alice', 'bob'], to: ['carol'] });
    expect(() => directions('form=alice')).toThrow("'form=' must be one of from=, to=");
  });
});

test('completion', () => {
  const lab = {
    hosts: { alice: { networks: ['lan'] }, bob: { networks: ['lan', 'wan'] } },
    networks: { lan: {}, wan: {} },
  };
  const complete = (line: string) =>
    completeLine(lab as unknown as Lab, line)[0]
      .map((hit) => hit.replace(/ $/, '_'))
      .join('|');
  expect(complete('al')).toBe('alice_');
  expect(complete('pi')).toBe('pingall_');
  expect(complete('links; d')).toBe('down_|dump_');
  expect(complete('.')).toBe('.help_|.exit_');
  expect(complete('alice ping ')).toBe('alice_|bob_');
  expect(complete('exec ')).toBe('alice_|bob_');
  expect(complete('set l')).toBe('lan_');
  expect(complete('set lan de')).toBe('delay=');
  expect(complete('set lan delay=5 from=')).toBe('from=alice_|from=bob_');
  expect(complete('cut w')).toBe('wan_');
  expect(complete('intercept l')).toBe('lan_');
  expect(complete('intercept lan d')).toBe('drop_|duplicate_|delay=');
  expect(complete('intercept lan drop fr')).toBe('from=alice_|from=bob_|fromPort=|fromAddress=');
  expect(complete('cut lan b')).toBe('bob_');
  expect(complete('move bob ')).toBe('lan_|wan_');
  expect(complete('iperf alice b')).toBe('bob_');
  expect(complete('iperf alice bob ')).toBe('');
  expect(complete('dump ')).toBe('alice_|bob_|lan_|wan_');
  expect(complete('.help he')).toBe('heal_');
  expect(complete('nothing ')).toBe('');
});
