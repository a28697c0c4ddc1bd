import { inspect } from 'node:util';

/** A name of `inspect.styles`, which has a colour for it. */
export type Style = 'special' | 'string' | 'regexp' | 'undefined' | 'date';
/** Puts text in the colour of a style, where colours are on. */
export type Stylize = (text: string, style: Style) => string;

/** Has util.inspect print a list as lines. For all else it stays the array that it is: the method is not enumerable. */
export function printedAs<T>(list: T[], lines: (list: readonly T[], stylize: Stylize) => string[]): T[] {
  const print = (depth: number, options: { depth?: number | null; stylize: Stylize }) => {
    const text = list.length === 0 ? '[]' : lines(list, options.stylize).join('\n');
    const isInside = depth !== options.depth && list.length > 0;
    // what an object prints is indented as its place asks, a string is not
    return { [inspect.custom]: () => (isInside ? `\n${text}` : text) };
  };
  return Object.defineProperty(list, inspect.custom, { value: print, configurable: true, writable: true });
}
