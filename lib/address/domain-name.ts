import { domainToASCII } from 'node:url';

const MAX_NAME_BYTES = 253;
export const MAX_LABEL_BYTES = 63;

/** Whether each label has 1 to 63 bytes and the name 253 at most (RFC 1035, 2.3.4). The root '.' is one too. */
export function isDomainName(name: string): boolean {
  if (name === '.') return true;
  const bare = name.replace(/\.$/, '');
  return Buffer.byteLength(bare) <= MAX_NAME_BYTES && bare.split('.').every(isLabel);
}

/** The same for a name that goes to resolv.conf(5) and to the user's screen: letters, digits, '-' and '_' alone. */
export function isPlainDomainName(name: string): boolean {
  return /^[\w.-]+$/.test(name) && name !== '.' && isDomainName(name);
}

function isLabel(label: string): boolean {
  return label.length > 0 && Buffer.byteLength(label) <= MAX_LABEL_BYTES;
}

/** The name in the DNS's letters (RFC 5891); '' where it has none. */
export function asciiName(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII starts with them
  return /^[\x00-\x7f]*$/.test(name) ? name : domainToASCII(name);
}

/** Whether two names are one: letter case and a last dot don't matter (RFC 4343). */
export function sameName(a: string, b: string): boolean {
  return nameKey(a) === nameKey(b);
}

export function nameKey(name: string): string {
  // only ASCII letters have a case in the DNS
  return name.replace(/\.$/, '').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
