import { mappedPath } from './mapped-path.js';

/** What ioth runs on; `engines` of package.json has the same version. */
const SUPPORTED = 'Node.js 20.19 or newer on 64-bit Linux with glibc';

const SYSTEMS: Readonly<Record<string, string>> = { darwin: 'macOS', win32: 'Windows' };
const ARCHITECTURES_OF_32_BITS: readonly string[] = ['arm', 'ia32', 'mips', 'mipsel', 'ppc', 's390'];

/** The error of the first use of the C libraries in a place where ioth does not run. `import 'ioth'` alone never throws it. */
export class UnsupportedRuntimeError extends Error {
  override readonly name = 'UnsupportedRuntimeError';
  readonly code = 'ERR_IOTH_RUNTIME';
}

let isChecked = false;

/**
 * Checks that ioth can run here. Without this check Bun panics (it has no uv_poll_init_socket), and Deno ends with a segmentation
 * fault.
 * @throws {UnsupportedRuntimeError}
 */
export function checkRuntime(): void {
  if (isChecked) return;
  const message = unsupportedRuntime();
  if (message !== undefined) throw new UnsupportedRuntimeError(message);
  isChecked = true;
}

/** Returns the reason why ioth cannot run here, and what it needs; undefined if it can. */
export function unsupportedRuntime(): string | undefined {
  const { platform, arch, versions } = process;
  let found: string | undefined;
  if (versions.bun) found = `Bun ${versions.bun}`;
  else if (versions.deno) found = `Deno ${versions.deno}`;
  else if (platform !== 'linux') found = SYSTEMS[platform] ?? platform;
  else if (ARCHITECTURES_OF_32_BITS.includes(arch)) found = `a 32-bit Node.js (${arch})`;
  else if (hasMusl()) found = 'Linux with musl';
  return found && `ioth needs ${SUPPORTED}, and this is ${found}`;
}

function hasMusl(): boolean {
  try {
    return mappedPath('ld-musl-') !== undefined;
  } catch {
    return false; // /proc is not mounted, which has an error of its own
  }
}
