import { readdirSync, statSync } from 'node:fs';
import { endianness } from 'node:os';
import { ipText } from '../../address/ip.js';
import { interfaceLines } from '../../netlink/interface-lines.js';
import { routeLines } from '../../netlink/route-lines.js';
import { listedSockets, readProcFile } from '../../process/proc-file.js';
import type { LabHost } from '../host.js';
import type { PageHostDetails } from './protocol.js';

const MAX_SOCKETS = 200;
const MAX_PROGRAMS = 100;
const plain = (text: string) => text;

/** Returns what a host has now, for its panel. @throws {IothError} if it is not running */
export async function hostDetails(host: LabHost): Promise<PageHostDetails> {
  const { stack } = host;
  const mappings = host.state.nat === undefined ? [] : await host.nat.mappings();
  return {
    interfaces: interfaceLines(stack.interfaces(), plain),
    routes: routeLines(stack.routes(), plain),
    sockets: socketsOf(stack.daemonPid),
    programs: programsOf(stack.daemonPid),
    mappings: mappings.map(({ protocol, inside, outside, remotes, expires }) => {
      const end = Number.isFinite(expires) ? `${Math.ceil(expires / 1000)} s` : 'forwarded';
      return `${protocol} ${inside} → ${outside}  ${end}  ${remotes.join(' ')}`.trimEnd();
    }),
  };
}

/** Returns the sockets of a network namespace: 'tcp ESTABLISHED 10.0.0.1:80 10.0.0.2:5000'. */
function socketsOf(pid: number | undefined): string[] {
  if (pid === undefined) return [];
  const all = ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((protocol) =>
    listedSockets(readProcFile(pid, `net/${protocol}`)).map(({ local, remote, state }) => {
      const shown = protocol.startsWith('udp') ? '' : ` ${state}`;
      return `${protocol}${shown}  ${formatIpOfProc(local)}  ${formatIpOfProc(remote)}`;
    }),
  );
  return all.slice(0, MAX_SOCKETS);
}

/** Returns the programs in a network namespace: '1234 curl http://bob/'. */
function programsOf(daemon: number | undefined): string[] {
  const namespace = daemon === undefined ? undefined : namespaceOf(`${daemon}`);
  if (namespace === undefined) return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => Number(pid) !== daemon && Number(pid) !== process.pid && namespaceOf(pid) === namespace)
    .map((pid) => `${pid}  ${readProcFile(pid, 'cmdline').replaceAll('\0', ' ').trim()}`)
    .slice(0, MAX_PROGRAMS);
}

function namespaceOf(pid: string): number | undefined {
  try {
    return statSync(`/proc/${pid}/ns/net`).ino;
  } catch {
    return undefined;
  }
}

/** Returns an address and port of /proc/net/tcp as text: '0100007F:0050' is 127.0.0.1:80. Each word is in the machine's order. */
function formatIpOfProc(text: string): string {
  const [address = '', port = ''] = text.split(':');
  const words = address.match(/.{8}/g) ?? [];
  const bytes = Buffer.concat(
    words.map((word) => {
      const each = Buffer.from(word, 'hex');
      return endianness() === 'LE' ? each.reverse() : each;
    }),
  );
  const shown = ipText(bytes);
  const number = Number.parseInt(port, 16);
  return `${shown.includes(':') ? `[${shown}]` : shown}:${number === 0 ? '*' : number}`;
}
