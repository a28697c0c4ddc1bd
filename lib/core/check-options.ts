import { invalidType } from './validate.js';

/** An optional object of options: what is missing is empty, anything but an object is refused, null too. */
export function checkOptions<T extends object>(name: string, value: T | undefined): T | Record<string, never> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidType(name, 'an object', value);
  return value;
}
