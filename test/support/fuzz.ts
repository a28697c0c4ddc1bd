import fc from 'fast-check';

/** How many inputs each parser gets: more in test/slow/any-bytes.test.ts. */
export const FUZZ_RUNS = Number(process.env.IOTH_FUZZ_RUNS ?? 5000);

/** Any bytes, and damaged copies of `packets`: cut, lengthened, with some bytes changed. */
function bytesLike(...packets: Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 });
  const damaged = fc
    .tuple(fc.constantFrom(...packets), changes, fc.option(fc.nat(), { freq: 3 }), fc.uint8Array({ maxLength: 40 }))
    .map(([packet, edits, cut, tail]) => {
      const kept = cut === null ? packet : packet.subarray(0, cut % (packet.length + 1));
      const bytes = Buffer.concat([kept, tail]);
      for (const [at, value] of edits) if (bytes.length > 0) bytes[at % bytes.length] = value;
      return new Uint8Array(bytes);
    });
  return fc.oneof({ arbitrary: fc.uint8Array({ maxLength: 300 }), weight: 1 }, { arbitrary: damaged, weight: 3 });
}

/** Runs `parse` on {@link FUZZ_RUNS} inputs: nothing may throw, and no input may hang it. */
export function fuzz(packets: Uint8Array[], parse: (bytes: Uint8Array) => unknown): void {
  fc.assert(
    fc.property(bytesLike(...packets), (bytes) => {
      parse(bytes);
    }),
    { numRuns: FUZZ_RUNS },
  );
}
