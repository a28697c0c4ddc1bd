/** What an intercept did with a frame. */
export interface HitRecord {
  /** The number of the hit, from 1. */
  readonly number: number;
  /** The names of the ports. */
  readonly from: string;
  readonly to: string;
  /** In nanoseconds since 1970. */
  readonly time: bigint;
  /** The comment in captures. */
  readonly comment: string;
}

/** What an intercept tells the thread that made it. */
export type InterceptEvent =
  | { readonly what: 'hit'; readonly hit: HitRecord; readonly frame: Uint8Array }
  | { readonly what: 'end' }
  /** Asks whether a frame matches. */
  | {
      readonly what: 'ask';
      readonly question: number;
      readonly frame: Uint8Array;
      readonly from: string;
      readonly to: string;
    };
