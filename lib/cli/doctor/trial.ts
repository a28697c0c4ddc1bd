import { AF_INET } from '../../constants/socket.js';
import { IothError } from '../../core/errors.js';
import { TemporaryDirectory } from '../../core/temporary-directory.js';
import { tunObstacle } from '../../process/tun-device.js';
import { limitObstacle, refusalObstacle } from '../../process/user-namespaces.js';
import { Stack } from '../../stack/stack.js';
import { type Finding, fault, ok } from './finding.js';

export const TRIAL = 'a real stack';
const PORT = 7;
const TIMEOUT_MS = 5000;

/** Makes two stacks on a switch, sends from one to the other, and closes both. */
export async function trialFinding(signal: AbortSignal): Promise<Finding> {
  const start = performance.now();
  const stacks: Stack[] = [];
  let directory: TemporaryDirectory | undefined;
  try {
    directory = new TemporaryDirectory('ioth-doctor-');
    for (const [i, scheme] of ['switch', 'vde'].entries()) {
      stacks.push(stackAt(`${scheme}://${directory.path}/switch`, `10.0.0.${i + 1}`));
    }
    const [server, client] = stacks as [Stack, Stack];
    await exchange(server, client, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]));
    await closeAll(stacks);
    const took = Math.round(performance.now() - start);
    return ok(TRIAL, `two were made, joined by a switch, talked TCP and were closed, in ${took} ms`);
  } catch (error) {
    return fault(TRIAL, (error as Error).message, remedyOf(error));
  } finally {
    await closeAll(stacks);
    directory?.remove();
  }
}

function stackAt(vnl: string, address: string): Stack {
  const stack = new Stack('vdestack', vnl);
  const ifindex = stack.if_nametoindex('vde0');
  stack.linksetupdown(ifindex, true);
  stack.ipaddr_add(AF_INET, address, 24, ifindex);
  return stack;
}

async function exchange(server: Stack, client: Stack, signal: AbortSignal): Promise<void> {
  using listener = server.socket();
  using socket = client.socket();
  listener.bind(['10.0.0.1', PORT]);
  listener.listen();
  await socket.connect(['10.0.0.1', PORT], { signal });
  using connection = (await listener.accept({ signal }))[0];
  await socket.sendall('!', 0, { signal });
  const received = await connection.recv(1, 0, { signal });
  if (String(received) !== '!') throw new Error('what was received is not what was sent');
}

async function closeAll(stacks: readonly Stack[]): Promise<void> {
  // close the first one last: it is the switch
  for (const stack of [...stacks].reverse()) await stack.close({ linger: 0 });
}

/** Returns what to do about the error of a stack that could not be made, or does not work. */
export function remedyOf(error: unknown): string {
  const code = error instanceof IothError ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EUSERS') return limitObstacle().remedy;
  const tun = tunObstacle();
  if (tun && code === tun.code) return tun.remedy;
  if (code === 'EPERM') return refusalObstacle().remedy;
  return 'fix the faults above; if there are none, this is a bug of ioth: report it with this text';
}
