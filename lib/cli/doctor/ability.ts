import { AF_INET, SOCK_DGRAM } from '../../constants/socket.js';
import { TemporaryDirectory } from '../../core/temporary-directory.js';
import { Lab } from '../../lab/index.js';
import type { Obstacle } from '../../process/obstacle.js';
import { TUN, tunObstacle } from '../../process/tun-device.js';
import { isIdMapped, isPrivileged, readNamespaceSettings, settingsObstacle } from '../../process/user-namespaces.js';
import { Stack } from '../../stack/stack.js';
import { VdePort } from '../../vde/index.js';
import type { Finding } from './finding.js';
import { triedObstacle } from './system.js';
import { remedyOf } from './trial.js';

/** One line of the table of what works here. */
export interface Ability extends Partial<Obstacle> {
  readonly what: string;
  readonly works: boolean;
}

export const WITHOUT_NETWORKS = 'vdestack without networks';
/** A user without rights: 'nobody'. */
const NOBODY = 65534;

/** Tries what ioth is used for, one after the other. @param trial the finding of two stacks on a switch */
export async function* abilities(trial: Finding, signal: AbortSignal): AsyncGenerator<Ability> {
  yield await tried('kernel', () => loopback('kernel'));
  yield await tried('ports (ioth/vde)', openPort);
  const bare = await tried(WITHOUT_NETWORKS, () => loopback('vdestack'));
  yield bare;
  const isJoined = trial.status === 'ok';
  const joined = { what: 'vdestack with networks', works: isJoined, why: trial.message, remedy: trial.remedy };
  yield isJoined ? { what: joined.what, works: true } : joined;
  yield ability('wire: tap', tunObstacle());
  yield await tried('wire: veth', joinByVeth);
  const lab = 'lab (ioth/lab)';
  yield isJoined ? await tried(lab, () => pingInLab(signal)) : { ...joined, what: lab };
  const spawn = 'programs (spawn, ioth exec)';
  yield bare.works ? await tried(spawn, runProgram) : { ...bare, what: spawn };
  yield await unprivileged();
}

/** What is left where there are no namespaces. */
export const PICOX =
  'picox, if you built it (virtualsquare/picoxnet, GPL): a young TCP/IP stack in user space, one a process, which needs neither ' +
  `${TUN} nor namespaces; it has no spawn, and a stack may crash when it is closed`;

function ability(what: string, obstacle: Obstacle | undefined): Ability {
  return { what, works: obstacle === undefined, why: obstacle?.why, remedy: obstacle?.remedy };
}

async function tried(what: string, attempt: () => void | Promise<void>): Promise<Ability> {
  try {
    await attempt();
    return { what, works: true };
  } catch (error) {
    return ability(what, { why: (error as Error).message, remedy: remedyOf(error) });
  }
}

/** Sends a datagram from a stack to itself, over its own lo. */
async function loopback(plugin: string): Promise<void> {
  const stack = new Stack(plugin);
  try {
    if (plugin !== 'kernel') stack.linksetupdown('lo', true);
    using socket = stack.socket(AF_INET, SOCK_DGRAM);
    socket.bind(['127.0.0.1', 0]);
    await socket.sendto('!', socket.getsockname());
  } finally {
    await stack.close({ linger: 0 });
  }
}

async function openPort(): Promise<void> {
  const directory = new TemporaryDirectory('ioth-doctor-');
  try {
    const port = await VdePort.open(`switch://${directory.path}/switch`);
    await port.close();
  } finally {
    directory.remove();
  }
}

async function joinByVeth(): Promise<void> {
  const stack = new Stack({ stack: 'vdestack', vnl: 'null://', wire: 'veth' });
  await stack.close({ linger: 0 });
}

async function pingInLab(signal: AbortSignal): Promise<void> {
  await using lab = await Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan', bob: 'lan' } });
  const { received } = await lab.hosts.alice.ping('bob', { count: 1, signal });
  if (received !== 1) throw new Error('a host of a lab did not answer a ping');
}

async function runProgram(): Promise<void> {
  const stack = new Stack('vdestack');
  try {
    const { status, stderr } = stack.spawnSync('true');
    if (status !== 0) throw new Error(`true(1) ended with ${status}: ${String(stderr).trim()}`);
  } finally {
    await stack.close({ linger: 0 });
  }
}

/**
 * Returns whether users without rights may do the same. Of another user only namespaces are tried, if this process is root and its
 * user namespace has one.
 */
async function unprivileged(): Promise<Ability> {
  const what = 'unprivileged users';
  const isRoot = process.geteuid?.() === 0 && isPrivileged();
  const canBecomeNobody = isRoot && isIdMapped('uid_map', NOBODY) && isIdMapped('gid_map', NOBODY);
  const user = canBecomeNobody ? { uid: NOBODY, gid: NOBODY } : {};
  return ability(what, settingsObstacle(readNamespaceSettings(), false) ?? (await triedObstacle(user)));
}
