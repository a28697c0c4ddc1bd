// biome-ignore lint/suspicious/noExplicitAny: functions of Node have any signature
export type AnyFunction = (this: any, ...args: any[]) => any;

/** Replaces the function `object[name]`. The new one gets the properties of the original, which util.promisify reads. */
export function replaceFunction(
  object: object,
  name: string | symbol,
  replacement: (original: AnyFunction) => AnyFunction,
): void {
  const descriptor = Object.getOwnPropertyDescriptor(object, name);
  const original: unknown = (object as Record<string | symbol, unknown>)[name];
  if (typeof original !== 'function') return;
  const value = replacement(original as AnyFunction);
  Object.defineProperties(value, Object.getOwnPropertyDescriptors(original));
  Object.defineProperty(object, name, {
    configurable: true,
    writable: true,
    enumerable: descriptor?.enumerable,
    value,
  });
}
