const memory = new ArrayBuffer(512);
let used = 0;

/**
 * Returns memory for the arguments of system calls that follow each other, for a variable of a module.
 *
 * After a vdestack's daemon was cloned, the kernel copies each page that this process writes to. Each small allocation can be such a
 * page; this memory is one page, or two.
 */
export function scratch<T extends ArrayBufferView>(
  type: new (buffer: ArrayBuffer, at: number, length: number) => T,
  length: number,
): T {
  const view = new type(memory, used, length);
  used = Math.ceil((used + view.byteLength) / 8) * 8;
  return view;
}
