/** Splits '10.0.0.1/24' at the slash. The length is undefined without a slash, and NaN if it is not a number. */
export function splitPrefix(text: string): [address: string, length: number | undefined] {
  const slash = text.indexOf('/');
  if (slash < 0) return [text, undefined];
  const digits = text.slice(slash + 1);
  return [text.slice(0, slash), /^\d{1,3}$/.test(digits) ? Number(digits) : Number.NaN];
}
