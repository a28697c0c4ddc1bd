import { syncBuiltinESMExports } from 'node:module';
import workerThreads, { Worker } from 'node:worker_threads';

/** The threads that were started after this module was loaded: load what starts them by import() then. */
export const workers: Worker[] = [];

workerThreads.Worker = class extends Worker {
  constructor(...args: ConstructorParameters<typeof Worker>) {
    super(...args);
    workers.push(this);
  }
};
syncBuiltinESMExports();
