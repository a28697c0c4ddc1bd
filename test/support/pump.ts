/** For the tests of a file or a describe: stacks with sockets of the kernel do without them, as those that have none. */
export function usePump(): void {
  beforeAll(() => {
    process.env.IOTH_PUMP = '1';
  });
  afterAll(() => {
    delete process.env.IOTH_PUMP;
  });
}
