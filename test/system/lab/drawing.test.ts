import { Lab } from 'ioth/lab';
import { expectNothingLeft, holdings } from '../../support/leaks.js';

const config = {
  networks: { lan: '10.0.0.0/24', wan: { prefix: '10.1.0.0/24', delay: 5 } },
  hosts: { alice: 'lan', gate: ['lan', 'wan'], bob: 'wan' },
} as const;

it('a lab is drawn as it is now', async () => {
  const before = holdings();
  const lab = await Lab.create(config);
  const asMade = String(lab);
  const diagram = lab.diagram();
  expect(asMade).toBe(`lan 10.0.0.0/24
├─ alice  10.0.0.1
└─ gate   10.0.0.2  routes to wan
wan 10.1.0.0/24 delay=5
├─ gate   10.1.0.1  routes to lan
└─ bob    10.1.0.2`);

  await lab.down('gate');
  await lab.partition(['bob']);
  await lab.networks.wan.set({ loss: 0.5, delay: 20 });
  await lab.networks.wan.set({ loss: 1 }, { from: 'bob', to: ['gate'] });
  await lab.networks.wan.set({}, { to: 'bob' });
  expect(String(lab)).toBe(`lan 10.0.0.0/24
├─ alice  10.0.0.1
└─ gate   10.0.0.2  routes to wan, down
wan 10.1.0.0/24 loss=0.5 delay=20
│  from bob to gate: loss=1
│  to bob: no faults
│  partition: bob | gate
├─ gate   10.1.0.1  routes to lan, down
└─ bob    10.1.0.2`);
  expect(lab.diagram()).toContain(
    'n1(["wan<br>10.1.0.0/24<br>loss=0.5<br>delay=20<br>from bob to gate: loss=1<br>to bob: no faults<br>partition: bob | gate"])',
  );
  expect(lab.diagram()).toContain('h1{{"gate<br>router<br>down"}}');
  expect(lab.diagram({ live: false })).toBe(diagram);
  const text = (svg: string) => svg.slice(svg.indexOf('<desc>') + 6, svg.indexOf('</desc>'));
  expect(text(lab.diagram({ format: 'svg' }))).toBe(String(lab));
  expect(text(lab.diagram({ format: 'svg', live: false }))).toBe(asMade);

  // the last word for a direction counts, and what is for all replaces it
  await lab.networks.wan.set({ delay: 1 }, { to: 'bob' });
  expect(String(lab)).toContain('│  to bob: delay=1\n');
  await expect(lab.networks.wan.set({ loss: 2 })).rejects.toThrow('loss');
  await expect(lab.networks.wan.partition(['alice' as 'bob'])).rejects.toThrow('alice');
  await lab.networks.wan.set({ delay: 5 });
  await lab.heal();
  await lab.up('gate');
  expect(String(lab)).toBe(asMade);
  expect(lab.diagram()).toBe(diagram);
  await lab.close();
  await expectNothingLeft(before);
});

it('cuts and partitions are shown on the networks that they divide', async () => {
  const before = holdings();
  const lab = await Lab.create(config);
  const { lan, wan } = lab.networks;
  const asMade = String(lab);
  await lab.cut('gate', 'bob');
  await lab.cut({ from: 'alice' });
  expect(String(lab)).toBe(`lan 10.0.0.0/24
│  cut: from alice
├─ alice  10.0.0.1
└─ gate   10.0.0.2  routes to wan
wan 10.1.0.0/24 delay=5
│  cut: from gate to bob
│  cut: from bob to gate
├─ gate   10.1.0.1  routes to lan
└─ bob    10.1.0.2`);
  await lab.heal();
  await lab.partition(['alice', 'gate'], ['bob']);
  expect([lan.now.state.groups, wan.now.state.groups]).toEqual([[], [['gate'], ['bob']]]);
  // ends the one before it, also where it divides nothing
  await lab.partition(['alice']);
  expect([lan.now.state.groups, wan.now.state.groups]).toEqual([[['alice']], []]);
  await lan.partition([]);
  await lan.cut({ from: 'alice', to: [] });
  expect([lan.now.state.groups, lan.now.state.cuts]).toEqual([[], []]);
  expect(String(lab)).toBe(asMade);
  await lab.close();
  await expectNothingLeft(before);
});
