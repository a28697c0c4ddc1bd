import { inspect } from 'node:util';

/** A name in `inspect.styles`, which gives it a colour. */
export type Style = 'special' | 'string' | 'regexp' | 'undefined' | 'date';
/** Colours text in a style, if colours are on. */
export type Stylize = (text: string, style: Style) => string;

/** Makes util.inspect print a list as lines. The list stays a plain array otherwise: the method is not enumerable. */
export function printedAs<T>(list: T[], lines: (list: readonly T[], stylize: Stylize) => string[]): T[] {
  const print = (depth: number, options: { depth?: number | null; stylize: Stylize }) => {
    const text = list.length === 0 ? '[]' : lines(list, options.stylize).join('\n');
    const isInside = depth !== options.depth && list.length > 0;
    // util.inspect indents the text of a nested object, but not a string
    return { [inspect.custom]: () => (isInside ? `\n${text}` : text) };
  };
  return Object.defineProperty(list, inspect.custom, { value: print, configurable: true, writable: true });
}
