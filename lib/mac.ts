import { invalidType, invalidValue } from './validate.js';

const EXPECTED = "a MAC address such as '02:00:00:00:00:01' or its 6 bytes";

/** The 6 bytes of a MAC address. */
export function parseMac(mac: string | Uint8Array): Buffer {
  if (mac instanceof Uint8Array) {
    if (mac.length !== 6) throw invalidValue('mac', EXPECTED, mac);
    return Buffer.from(mac);
  }
  if (typeof mac !== 'string') throw invalidType('mac', EXPECTED, mac);
  if (!/^[\da-f]{1,2}([:-][\da-f]{1,2}){5}$/i.test(mac)) throw invalidValue('mac', EXPECTED, mac);
  return Buffer.from(mac.split(/[:-]/).map((byte) => Number.parseInt(byte, 16)));
}

/** 'aa:bb:cc:dd:ee:ff'. */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
