import { TCP_FLAGS } from '../../../lib/fabric/tcp-flags.js';
import { Model } from '../../../web/model.js';
import { tcp } from '../../support/ip-frames.js';

const DATA = 'x'.repeat(100);
/** Where the sequence number is in a frame. */
const SEQUENCE = 14 + 20 + 4;

describe('of a transfer, the page', () => {
  let model: Model;
  let mark = 0;
  beforeEach(() => {
    model = new Model();
  });

  /** A batch of segments with these numbers: what they are in their connection. */
  function notesOf(numbers: readonly number[], passedOver = 0, network = 'lan'): (string | undefined)[] {
    const frames = numbers.map((number) => {
      const bytes = tcp('10.0.0.1:5000', '10.0.0.2:80', TCP_FLAGS.ACK, { data: DATA });
      bytes.writeUInt32BE(number, SEQUENCE);
      const { length } = bytes;
      const text = bytes.toString('base64');
      return {
        network,
        mark: ++mark,
        time: mark,
        from: 'alice',
        length,
        bytes: text,
        comment: undefined,
        arrivals: [],
      };
    });
    model.addBatch({ network, time: mark, frames, arrivals: [], notes: [], passedOver, stats: {} });
    return model.frames.slice(model.frames.length - numbers.length).map(({ tcp }) => tcp?.note);
  }

  it('says what was lost, and what was sent again', () => {
    expect(notesOf([0, 100, 300, 200])).toEqual(['', '', 'gap', 'retransmission']);
    expect(notesOf([400, 600])).toEqual(['', 'gap']);
  });

  it('says nothing of what it may have just not shown', () => {
    expect(notesOf([0, 100])).toEqual(['', '']);
    expect(notesOf([300, 400, 900], 7)).toEqual(['', '', '']);
    // the last ones of that time may be among them
    expect(notesOf([1500, 1600, 1800])).toEqual(['', '', 'gap']);
    expect(notesOf([], 1)).toEqual([]);
    // that is no news of the bytes that are missing
    expect(notesOf([100, 2500, 2600])).toEqual(['retransmission', '', '']);
  });

  it('knows it of each network', () => {
    expect([notesOf([0, 100]), notesOf([0, 100], 0, 'wan')]).toEqual([
      ['', ''],
      ['', ''],
    ]);
    expect([notesOf([300], 1), notesOf([300], 0, 'wan')]).toEqual([[''], ['gap']]);
  });
});
