import { libioth } from '../../ffi/ioth.js';
import { permanentString } from '../../ffi/libc.js';
import { checkString } from '../core/validate.js';

// libioth keeps the pointer: each string passed to it stays allocated for the life of the process
const kept = new Map<string, bigint>();

/**
 * Declares the licence of this program as an SPDX identifier ('GPL-2.0-or-later'): ioth_set_license(3). A plugin under the GPL is
 * loaded only after a compatible licence was set. null removes the declaration.
 */
export function set_license(license: string | null): void {
  if (license === null) {
    libioth().set_license(null);
    return;
  }
  const text = checkString('license', license);
  const pointer = kept.get(text) ?? permanentString(text);
  kept.set(text, pointer);
  libioth().set_license(pointer);
}
