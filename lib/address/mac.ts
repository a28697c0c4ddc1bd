/** MAC addresses (EUI-48) as text and as bytes. */

import { checkBytes, invalidType, invalidValue } from '../core/validate.js';

const MAC_BYTES = 6;
const EXPECTED = "a MAC address such as '80:00:42:0e:e7:3a', or its 6 bytes";
const MAC_TEXT = /^[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}$/i;

/** Returns the 6 bytes of a MAC address: a copy of its bytes, or the value of '80:00:42:0e:e7:3a' or '80-00-42-0e-e7-3a'. */
export function parseMac(mac: string | Uint8Array): Buffer {
  if (typeof mac === 'string') {
    if (!MAC_TEXT.test(mac)) throw invalidValue('mac', EXPECTED, mac);
    return Buffer.from(mac.replace(/[:-]/g, ''), 'hex');
  }
  if (!ArrayBuffer.isView(mac)) throw invalidType('mac', EXPECTED, mac);
  const bytes = checkBytes('mac', mac);
  if (bytes.length !== MAC_BYTES) throw invalidValue('mac', EXPECTED, mac);
  return Buffer.from(bytes);
}

/** Returns 'aa:bb:cc:dd:ee:ff' for 6 bytes. The addresses of tunnels have 4 or 16 bytes. */
export function formatMac(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').replace(/..\B/g, '$&:');
}
