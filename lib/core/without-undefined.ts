/** Returns an object without the fields that are undefined. A loop: a large table of routes has thousands of them. */
export function withoutUndefined<T extends object>(fields: T): T {
  const defined = {} as T;
  for (const key in fields) if (fields[key] !== undefined) defined[key] = fields[key];
  return defined;
}
