/**
 * Checks of arguments, before C sees them. Each error has Node's own code, and names the argument and the expected value.
 */

import { inspect } from 'node:util';

class InvalidArgTypeError extends TypeError {
  readonly code = 'ERR_INVALID_ARG_TYPE';
}
class InvalidArgValueError extends TypeError {
  readonly code = 'ERR_INVALID_ARG_VALUE';
}
class OutOfRangeError extends RangeError {
  readonly code = 'ERR_OUT_OF_RANGE';
}

/** Returns the error of an argument of the wrong type. */
export function invalidType(name: string, expected: string, value: unknown): TypeError {
  return new InvalidArgTypeError(`${name} must be ${expected}, not ${shown(value)}`);
}

/** Returns the error of an argument with the right type and an invalid value. */
export function invalidValue(name: string, expected: string, value: unknown): TypeError {
  return new InvalidArgValueError(`${name} must be ${expected}, not ${shown(value)}`);
}

/** Returns the error of a number outside its range. */
export function outOfRange(name: string, expected: string, value: unknown): RangeError {
  return new OutOfRangeError(`${name} must be ${expected}, not ${shown(value)}`);
}

/** Returns names for a message: "'a', 'b'". */
export function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}

/** Returns the known value that `value` is. @throws {TypeError} ERR_INVALID_ARG_VALUE, naming all of them */
export function checkOneOf<T extends string>(name: string, known: readonly T[], value: unknown): T {
  const found = known.find((each) => each === value);
  if (found !== undefined) return found;
  throw invalidValue(name, known.map((each) => `'${each}'`).join(' or '), value);
}

function shown(value: unknown): string {
  let text: string;
  try {
    text = inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY });
  } catch {
    // a DataView whose bytes are gone, or an object whose own inspect or getter throws
    text = `${typeof value} that cannot be shown`;
  }
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

export function checkInteger(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number') throw invalidType(name, 'an integer', value);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw outOfRange(name, `an integer from ${min} to ${max}`, value);
  }
  return value;
}

export const INT_MAX = 0x7fffffff;
export const UINT_MAX = 0xffffffff;

/** Checks a number of milliseconds, which may have a fraction. */
export function checkMilliseconds(name: string, value: unknown, min = 0, max = INT_MAX): number {
  if (typeof value !== 'number') throw invalidType(name, 'a number of milliseconds', value);
  if (!(value >= min && value <= max)) throw outOfRange(name, `from ${min} to ${max} milliseconds`, value);
  return value;
}

/** Checks the MSG_ flags of a system call. */
export function checkFlags(flags: unknown): void {
  checkInteger('flags', flags, 0, INT_MAX);
}

export function checkPort(name: string, value: unknown): number {
  return checkInteger(name, value, 0, 65535);
}

/** Checks an interface index: 1 or more. */
export function checkIfindex(name: string, value: unknown): number {
  return checkInteger(name, value, 1, INT_MAX);
}

/** Checks a string for C: without NUL characters, which would cut it short. */
export function checkString(name: string, value: unknown): string {
  if (typeof value !== 'string') throw invalidType(name, 'a string', value);
  if (value.includes('\0')) throw invalidValue(name, 'a string without NUL characters', value);
  return value;
}

export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean' && value !== 0 && value !== 1) throw invalidType(name, 'a boolean', value);
  return Boolean(value);
}

/** Checks an array and each of its items. `check` gets the name of an item, as `name[0]`, and the item. Returns its results. */
export function checkEach<T>(
  name: string,
  expected: string,
  list: unknown,
  check: (name: string, item: unknown) => T,
): T[] {
  if (!Array.isArray(list)) throw invalidType(name, expected, list);
  // map would skip the holes of a sparse array
  return Array.from(list, (item, i) => check(`${name}[${i}]`, item));
}

/** Returns the first item that is in a list twice, or undefined. */
export function repeatedIn<T>(list: readonly T[]): T | undefined {
  return list.find((item, i) => list.indexOf(item) !== i);
}

/** Returns the bytes of any view. */
export function checkBytes(name: string, value: unknown): Uint8Array {
  if (ArrayBuffer.isView(value)) return bytesOf(name, value);
  throw invalidType(name, 'a Buffer, TypedArray or DataView', value);
}

/** Returns data to send: bytes as they are, a string as UTF-8. */
export function checkData(name: string, value: unknown): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value);
  if (ArrayBuffer.isView(value)) return bytesOf(name, value);
  throw invalidType(name, 'a string, Buffer, TypedArray or DataView', value);
}

/** Returns the error of a view whose ArrayBuffer was transferred, to a worker for example. */
export function detachedBytes(name: string): TypeError {
  return new InvalidArgValueError(`${name} must be a view of an attached ArrayBuffer: its ArrayBuffer is detached`);
}

function bytesOf(name: string, view: ArrayBufferView): Uint8Array {
  if (view instanceof Uint8Array && view.byteLength > 0) return view;
  try {
    // throws if the bytes are gone: transferred to a worker, or cut off by resize()
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    return view instanceof Uint8Array ? view : bytes;
  } catch {
    throw detachedBytes(name);
  }
}

/**
 * Checks the options of a call, and returns them; an empty object for undefined.
 * @param known the names of the options; without it any name is accepted, as in Node
 * @throws {TypeError} for null, for a value that is no object, and for a misspelled option
 */
export function checkOptions<T extends object>(options: T | undefined, known?: readonly (keyof T & string)[]): T {
  if (options === undefined) return {} as T;
  const expected = known ? `{ ${known.join(', ')} }` : 'an object';
  if (typeof options !== 'object' || options === null || Array.isArray(options) || isSignal(options)) {
    throw invalidType('options', expected, options);
  }
  if (known) checkKeys('options', options, known);
  return options;
}

/** Checks that an object has no keys but the known ones. */
export function checkKeys(name: string, value: object, known: readonly string[]): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw invalidType(name, `{ ${known.join(', ')} }, without '${unknown}'`, value);
}

/** Checks the AbortSignal of an operation's options, and returns it; undefined for null or undefined. */
export function checkSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined || value === null) return undefined;
  if (isSignal(value)) return value;
  throw invalidType('options.signal', 'an AbortSignal', value);
}

/** Returns whether a value has the members of an AbortSignal. Its class does not tell: each realm (vm, jest) has its own. */
function isSignal(value: unknown): value is AbortSignal {
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return (
    typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  );
}
