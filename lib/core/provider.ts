import { invalidValue } from './validate.js';

/** The code that configures a stack or resolves its names: the C library, or ioth on the stack's own sockets. */
export type ProviderName = 'native' | 'builtin';

export function checkProvider(name: string, value: unknown): ProviderName {
  if (value !== 'native' && value !== 'builtin') throw invalidValue(name, "'native' or 'builtin'", value);
  return value;
}

/** Returns the option, else the environment variable, else 'builtin', so that a program works alike on every machine. */
export function chooseProvider(option: ProviderName | undefined, variable: 'IOTH_CONF' | 'IOTH_DNS'): ProviderName {
  return option ?? checkProvider(variable, process.env[variable] || 'builtin');
}
