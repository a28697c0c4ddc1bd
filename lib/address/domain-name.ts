import { domainToASCII } from 'node:url';

const MAX_NAME_BYTES = 253;
export const MAX_LABEL_BYTES = 63;

/** Returns whether each label has 1 to 63 bytes and the name at most 253 (RFC 1035, 2.3.4). The root '.' is a name too. */
export function isDomainName(name: string): boolean {
  if (name === '.') return true;
  const bare = name.replace(/\.$/, '');
  return Buffer.byteLength(bare) <= MAX_NAME_BYTES && bare.split('.').every(isLabel);
}

/** Returns whether a name is safe for resolv.conf(5) and for the screen: only letters, digits, '.', '-' and '_'. */
export function isPlainDomainName(name: string): boolean {
  return /^[\w.-]+$/.test(name) && name !== '.' && isDomainName(name);
}

function isLabel(label: string): boolean {
  return label.length > 0 && Buffer.byteLength(label) <= MAX_LABEL_BYTES;
}

/** Returns the ASCII form of a name (RFC 5891); '' if it has none. */
export function asciiName(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII starts with them
  return /^[\x00-\x7f]*$/.test(name) ? name : domainToASCII(name);
}

/** Returns whether two names are equal. Letter case and a last dot do not count (RFC 4343). */
export function sameName(a: string, b: string): boolean {
  return nameKey(a) === nameKey(b);
}

export function nameKey(name: string): string {
  // only ASCII letters have a case in the DNS
  return name.replace(/\.$/, '').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
