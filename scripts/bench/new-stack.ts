import { Stack } from 'ioth';
import { libioth } from 'ioth/ffi';
import { type Row, rowOf } from './rows.js';

const STACKS = 200;
const VNL = 'null://';

/** Measures the time to make a vdestack: `new Stack` and the bare C function in turn. Closing is not counted. */
export async function newStackRow(wanted: (group: string) => boolean): Promise<Row[]> {
  if (!wanted('newstack')) return [];
  const ours: number[] = [];
  const bare: number[] = [];
  for (let i = 0; i <= STACKS; i++) {
    const [start, stack] = [performance.now(), new Stack('vdestack', VNL)];
    const made = performance.now() - start;
    stack.closeSync();
    const [bareStart, pointer] = [performance.now(), libioth().newstackv('vdestack', [VNL, null])];
    const bareMade = performance.now() - bareStart;
    if (pointer === null) throw new Error('a bare stack could not be made');
    libioth().delstack(pointer);
    // the first of each loads libraries
    if (i > 0) {
      ours.push(made);
      bare.push(bareMade);
    }
    await new Promise(setImmediate);
  }
  const unit = 'ms';
  return [rowOf({ name: 'new Stack', unit, bar: 1.4 }, { 'new Stack': ours, 'bare koffi': bare })];
}
