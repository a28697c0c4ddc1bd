/** Gives the stacks of a test file this wire. */
export function useWire(wire: 'tap' | 'veth'): void {
  const before = process.env.IOTH_WIRE;
  beforeAll(() => {
    process.env.IOTH_WIRE = wire;
  });
  afterAll(() => {
    if (before === undefined) delete process.env.IOTH_WIRE;
    else process.env.IOTH_WIRE = before;
  });
}
