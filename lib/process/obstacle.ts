/** The reason why something does not work in this place, and the shortest way to make it work. */
export interface Obstacle {
  readonly why: string;
  readonly remedy: string;
}

/** Returns both as the end of an error's message. */
export function asHint({ why, remedy }: Obstacle): string {
  return `${why}. To do: ${remedy}`;
}
