import { endianness } from 'node:os';

/** Whether the host keeps the lowest byte first: the last argument of DataView's methods, for what C and the kernel read. */
export const IS_LITTLE_ENDIAN = endianness() === 'LE';

/** A DataView of the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
