import dns from 'node:dns';

/*
 * Errors of node:dns, made by the running Node. They look like Node's own in every way, and are also `instanceof` the class of
 * their cause.
 */

/** Returns the error that Node makes from a libuv error number: queries on a channel that fails at once with that number. */
export function nodeError(errno: number, syscall: string, hostname: string): Error {
  const channel = { queryA: () => errno };
  try {
    Reflect.apply(dns.Resolver.prototype.resolve4, { _handle: channel }, [hostname, () => {}]);
  } catch (error) {
    const made = error as NodeJS.ErrnoException;
    const message = made.message.replace(made.syscall as string, syscall);
    Object.assign(made, { syscall, stack: made.stack?.replace(made.message, message) });
    // the assignment leaves it non-enumerable, as in any Error
    made.message = message;
    return made;
  }
  throw new Error('a query on a channel that fails did not throw');
}

/** Sets the cause of an error of Node, like the `cause` option of Error. Also makes it an instance of the cause's class. */
export function withCause<E extends Error>(error: E, cause: Error): E {
  const { prototype } = cause.constructor;
  // the constructor of Node's error is Error
  Object.setPrototypeOf(error, Object.create(prototype, { constructor: { get: () => Error } }));
  return Object.defineProperty(error, 'cause', { value: cause, writable: true, configurable: true });
}
