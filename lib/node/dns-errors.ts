import dns from 'node:dns';

/*
 * Errors of node:dns, made by the Node that runs. They are its own in all that can be seen of them; `instanceof` knows them for
 * what is their cause as well.
 */

/** The error that Node makes of a number of libuv's: by a query whose channel says so at once. */
export function nodeError(errno: number, syscall: string, hostname: string): Error {
  const channel = { queryA: () => errno };
  try {
    Reflect.apply(dns.Resolver.prototype.resolve4, { _handle: channel }, [hostname, () => {}]);
  } catch (error) {
    const made = error as NodeJS.ErrnoException;
    const message = made.message.replace(made.syscall as string, syscall);
    Object.assign(made, { syscall, stack: made.stack?.replace(made.message, message) });
    // not enumerable, as an Error's own
    made.message = message;
    return made;
  }
  throw new Error('a channel that fails is an error of its query');
}

/** Gives an error of Node's its cause, in the form of an Error's own option, and its class. */
export function withCause<E extends Error>(error: E, cause: Error): E {
  const { prototype } = cause.constructor;
  // Node's has such a constructor
  Object.setPrototypeOf(error, Object.create(prototype, { constructor: { get: () => Error } }));
  return Object.defineProperty(error, 'cause', { value: cause, writable: true, configurable: true });
}
