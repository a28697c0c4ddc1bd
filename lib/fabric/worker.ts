/** The worker thread of a Fabric. */

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { hurry } from '../thread/start-worker.js';
import { Engine } from './engine.js';
import { type CallMessage, ENDED, STATE_WORD, WORKING, type WorkerMessage, type WorkerSettings } from './protocol.js';

const settings = workerData as WorkerSettings;
const port = parentPort;
const state = new Int32Array(settings.control);

function setState(value: number): void {
  Atomics.store(state, STATE_WORD, value);
  Atomics.notify(state, STATE_WORD);
}

if (port) {
  hurry();
  const post = (message: WorkerMessage) => port.postMessage(message);
  const receive = () => receiveMessageOnPort(port)?.message as CallMessage | undefined;
  const engine = new Engine(settings, receive, post);
  setState(WORKING);
  post({ id: 0, value: undefined });
  try {
    engine.run();
  } finally {
    setState(ENDED);
  }
}
