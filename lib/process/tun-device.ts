import { closeSync, openSync, statSync } from 'node:fs';

/** The device that connects a vdestack to a network. */
export const TUN = '/dev/net/tun';

/**
 * Tries to open {@link TUN}.
 * @returns its mode and owner, undefined if there is no such device; the code of the error if this process cannot open it
 */
export function tryTun(): { rights?: string; failure?: string } {
  let rights: string | undefined;
  try {
    const { mode, uid, gid } = statSync(TUN);
    rights = `mode ${(mode & 0o777).toString(8).padStart(4, '0')}, owner ${uid}:${gid}`;
    closeSync(openSync(TUN, 'r+'));
    return { rights };
  } catch (error) {
    return { rights, failure: (error as NodeJS.ErrnoException).code };
  }
}
