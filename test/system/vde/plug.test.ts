import { join } from 'node:path';
import { Messages } from '../../../ffi/mmsg.js';
import { libvdeplug } from '../../../ffi/vdeplug.js';
import { TimedEventSet } from '../../../lib/thread/timed-event-set.js';
import { copyOfScratch, MAX_FRAME_SIZE, MIN_FRAME_SIZE, receive } from '../../../lib/vde/frame-source.js';
import { FrameStore } from '../../../lib/vde/frame-store.js';
import { Outbox } from '../../../lib/vde/outbox.js';
import { Plug } from '../../../lib/vde/plug.js';
import { ThreadPort } from '../../../lib/vde/thread-port.js';
import { useDirectory } from '../../support/directory.js';
import { greeting, textOf } from '../../support/vde.js';

/* A plug as in the thread of a fabric, but in this thread. Its receiver reads when it is told to. */

/** More than the kernel queues for a socket (net.unix.max_dgram_qlen is 10, and 512 where systemd set it), less than a plug keeps. */
const FRAMES = 1000;
const BATCH = 32;

const directory = useDirectory();
const ports: ThreadPort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.closeSync();
});

async function openPort(): Promise<ThreadPort> {
  const port = await ThreadPort.open(`ptp://${join(directory.path, 'cable')}`, 'test');
  ports.push(port);
  return port;
}

/** Takes the frames that are there. */
function takeAll({ conn }: ThreadPort): string[] {
  const texts: string[] = [];
  for (let length = receive(conn); length >= MIN_FRAME_SIZE; length = receive(conn)) {
    texts.push(textOf(copyOfScratch(length)));
  }
  return texts;
}

it('frames that wait for a receiver are sent in batches, in order', async () => {
  const [receiver, sender] = [await openPort(), await openPort()];
  const events = new TimedEventSet();
  const outbox = new Outbox();
  const batches = { inbox: new Messages(BATCH, MAX_FRAME_SIZE), outbox };
  const shared = { events, store: new FrameStore(), slowPlugs: new Set<Plug>(), batches };
  const plug = new Plug(sender.conn, shared, () => {}, sender.raw);
  const singles = jest.spyOn(libvdeplug(), 'send');
  try {
    const texts = Array.from({ length: FRAMES }, (_, i) => `frame ${i}`);
    for (let first = 0; first < FRAMES; first += BATCH) {
      outbox.isOpen = true;
      for (const text of texts.slice(first, first + BATCH)) {
        const frame = greeting(1, text);
        expect(plug.send(frame, frame.length)).toBe(true);
      }
      outbox.isOpen = false;
      outbox.flush();
    }
    const heard = takeAll(receiver);
    expect(heard.length).toBeLessThan(FRAMES);
    while (plug.hasWaiting) {
      events.wait(1000);
      heard.push(...takeAll(receiver));
    }
    expect(heard).toEqual(texts);
    expect(singles).not.toHaveBeenCalled();
  } finally {
    singles.mockRestore();
    plug.end();
    events.close();
  }
});
