import { LabLog } from '../../../lib/lab/log.js';
import { Model } from '../../../web/model.js';

test('a page goes back to each event, however soon the next one follows', () => {
  let isUp = true;
  const log = new LabLog(() => ({ networks: {}, hosts: { bob: { isUp, on: [] } } }));
  for (let i = 0; i < 300; i++) {
    isUp = !isUp;
    log.add('host', isUp ? 'bob is up' : 'bob is down');
  }
  const model = new Model();
  for (const event of log.events) model.addEvent(event);
  const shown = log.events.map(({ time }) => model.stateAt(time).hosts.bob?.isUp);
  expect(shown).toEqual(log.events.map((_, i) => i % 2 === 1));
});
