import { debuglog } from 'node:util';

/** The C resources of an object. They must not refer to that object, or it is never garbage collected. */
export interface Closable {
  readonly closed: boolean;
  /** Closes the resources after the object was garbage collected. Must not throw. */
  closeFromFinalizer(): void;
}

interface Forgotten {
  readonly what: string;
  readonly closable: Closable;
  readonly madeAt: string | undefined;
}

const debug = debuglog('ioth');

let warned = false;

const registry = new FinalizationRegistry<Forgotten>(({ what, closable, madeAt }) => {
  if (closable.closed) return;
  closable.closeFromFinalizer();
  debug('a forgotten %s was closed; it was made%s', what, madeAt);
  if (warned) return;
  warned = true;
  process.emitWarning(
    `A ${what} was garbage collected before it was closed, so ioth closed it. Call its close(), or use 'using'.` +
      (madeAt ? ` It was made${madeAt}` : ' NODE_DEBUG=ioth reports where it was made.'),
    { code: 'IOTH_FORGOTTEN', type: 'ResourceWarning' },
  );
});

/** Closes `closable` if `owner` is garbage collected before it is closed. Warns once per process. */
export function registerFinalizer(owner: object, what: string, closable: Closable): void {
  registry.register(owner, { what, closable, madeAt: debug.enabled ? whereCalled() : undefined });
}

function whereCalled(): string {
  const lines = new Error().stack?.split('\n') ?? [];
  return `\n${lines.slice(3).join('\n')}`;
}
