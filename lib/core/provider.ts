import { invalidValue } from './validate.js';

/** Who configures a stack or resolves its names: the C library, or this one on the stack's own sockets. */
export type ProviderName = 'native' | 'builtin';

/** The environment's variables that choose a provider. */
type ProviderVariable = 'IOTH_CONF' | 'IOTH_DNS';

export function checkProvider(name: string, value: unknown): ProviderName {
  if (value !== 'native' && value !== 'builtin') throw invalidValue(name, "'native' or 'builtin'", value);
  return value;
}

/** The option's, else the environment's, else the builtin one, so that a program does the same on every machine. */
export function chooseProvider(option: ProviderName | undefined, variable: ProviderVariable): ProviderName {
  return option ?? checkProvider(variable, process.env[variable] || 'builtin');
}
