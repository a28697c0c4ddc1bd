import { debuglog } from 'node:util';

/** Something that owns C's resources, as the collector sees it: it must not refer to the object that it was made for. */
export interface Closable {
  readonly closed: boolean;
  /** Closes it though nobody asked. Must not throw. */
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
    `A ${what} was garbage collected before it was closed: it was closed now. Close what you make, or use 'using'.` +
      (madeAt ? ` It was made${madeAt}` : ' NODE_DEBUG=ioth reports where it was made.'),
    { code: 'IOTH_FORGOTTEN', type: 'ResourceWarning' },
  );
});

/** Closes `closable` when `owner` is collected unclosed, with one warning a process. */
export function registerFinalizer(owner: object, what: string, closable: Closable): void {
  registry.register(owner, { what, closable, madeAt: debug.enabled ? whereCalled() : undefined });
}

function whereCalled(): string {
  const lines = new Error().stack?.split('\n') ?? [];
  return `\n${lines.slice(3).join('\n')}`;
}
