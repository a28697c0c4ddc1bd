import { isDomainName } from '../address/domain-name.js';

/**
 * The full names to ask for `name`, in order, as res_search(3) has it: a name that ends in a dot is full already; one
 * with `ndots` dots or more is tried as it is first, any other only after the search list.
 */
export function searchNames(name: string, search: readonly string[], ndots: number): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1) || '.'];
  const expanded = search.map((domain) => (domain === '' || domain === '.' ? name : `${name}.${domain}`));
  const dots = name.split('.').length - 1;
  const names = dots >= ndots ? [name, ...expanded] : [...expanded, name];
  return [...new Set(names)].filter(isDomainName);
}
