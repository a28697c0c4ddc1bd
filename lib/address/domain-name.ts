const MAX_NAME_BYTES = 253;
const MAX_LABEL_BYTES = 63;

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
