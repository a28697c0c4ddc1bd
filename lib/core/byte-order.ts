import { endianness } from 'node:os';

/** True on a little-endian host: the last argument of DataView's methods, for data that C and the kernel read. */
export const IS_LITTLE_ENDIAN = endianness() === 'LE';

/** Returns a DataView of the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Returns the bytes of C ints, signed or unsigned. */
export function intBytes(...values: number[]): Buffer {
  return Buffer.from(Int32Array.from(values).buffer);
}

/** Returns the C int at the start of bytes. */
export function intOf(bytes: Uint8Array): number {
  return viewOf(bytes).getInt32(0, IS_LITTLE_ENDIAN);
}
