import child_process, { ChildProcess } from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { replaceFunction } from './replace.js';

/** In the environment of a child: its number. */
export const CHILD_VARIABLE = 'IOTH_CHILD';
/** What is no number: a child on the host. */
export const ON_HOST = 'host';

/**
 * Has each child process find a number of its own in the environment, from `first` on, and Node children import `specifier`
 * first.
 */
export function numberChildren(first: number, specifier: string): void {
  let next = first;
  const publish = () => {
    process.env[CHILD_VARIABLE] = String(next++);
  };
  publish();
  const { NODE_OPTIONS = '' } = process.env;
  process.env.NODE_OPTIONS = `${NODE_OPTIONS} --import=${specifier}`.trim();
  const counted = [
    [ChildProcess.prototype, 'spawn'],
    ...['spawnSync', 'execSync', 'execFileSync'].map((name) => [child_process, name] as const),
  ] as const;
  for (const [object, name] of counted) {
    replaceFunction(object, name, (original) => {
      return function (this: unknown, ...args) {
        // the caller has read the environment; the blocking forms read it now
        const isSync = object === child_process;
        if (!isSync) publish();
        try {
          return Reflect.apply(original, this, args);
        } finally {
          if (isSync) publish();
        }
      };
    });
  }
  syncBuiltinESMExports();
}
