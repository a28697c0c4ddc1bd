import { ANY4, ipBytes } from '../../address/ip.js';
import { receiveAll, trySend } from '../../config/receive-loop.js';
import { AF_INET, SO_BINDTODEVICE, SOCK_DGRAM, SOL_SOCKET } from '../../constants/socket.js';
import { addressNumber } from '../../fabric/nat/ipv4-packet.js';
import type { ForwardPlan } from '../../fabric/nat/options.js';
import type { RouterNat } from '../../fabric/nat/router-nat.js';
import type { Stack } from '../../stack/stack.js';
import type { NatRouter } from '../topology/nat-router.js';
import {
  type Grant,
  type MapRequest,
  PORT_MAPPING_PORT,
  type Refusal,
  readPortMapping,
} from './port-mapping-message.js';

/** RFC 6886, 3.3, recommends two hours. */
const MAX_LIFETIME_S = 7200;
const MAX_MAPPINGS = 1024;
const MAX_MESSAGE = 1100;

/**
 * Serves NAT-PMP (RFC 6886) and PCP (RFC 6887, MAP) on the networks inside of a NAT: clients get ports forwarded to themselves. It ends
 * with the stack, and does not keep the process alive.
 */
export function servePortMapping(stack: Stack, router: NatRouter, nat: RouterNat): void {
  const mapper = new PortMapper(router, nat);
  stack.once('close', () => mapper.end());
  for (const network of router.inside) {
    const socket = stack.socket(AF_INET, SOCK_DGRAM);
    socket.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(network.name));
    socket.bind([ANY4, PORT_MAPPING_PORT]);
    void receiveAll(socket, async () => {
      const [bytes, from] = await socket.recvfrom(MAX_MESSAGE);
      const answer = await mapper.answer(bytes, from.address);
      if (answer) trySend(() => socket.sync.sendto(answer, from));
    });
  }
}

interface Mapped {
  readonly forward: ForwardPlan;
  readonly timer: NodeJS.Timeout;
}

/** The ports that clients have asked for. */
class PortMapper {
  readonly #nat: RouterNat;
  readonly #address: Uint8Array;
  readonly #start = performance.now();
  /** By protocol, client and internal port. */
  readonly #mapped = new Map<string, Mapped>();
  #hasEnded = false;

  constructor(router: NatRouter, nat: RouterNat) {
    this.#nat = nat;
    this.#address = ipBytes(router.addresses[0]!);
  }

  async answer(bytes: Buffer, client: string): Promise<Buffer | undefined> {
    const dialog = readPortMapping(bytes, ipBytes(client));
    if (!dialog) return undefined;
    const { request } = dialog;
    const result = request?.kind === 'map' ? await this.#map(request, client) : undefined;
    return dialog.answer(Math.floor((performance.now() - this.#start) / 1000), this.#address, result);
  }

  async #map(request: MapRequest, client: string): Promise<Grant | Refusal> {
    const { protocol, internalPort, suggestedPort, lifetime } = request;
    const key = `${protocol} ${client} ${internalPort}`;
    if (lifetime === 0) return await this.#unmap(internalPort === 0 ? `${protocol} ${client} ` : key);
    if (internalPort === 0) return 'not authorized';
    const known = this.#mapped.get(key);
    if (!known && this.#mapped.size >= MAX_MAPPINGS) return 'no resources';
    const port = known?.forward.port ?? (suggestedPort || internalPort);
    const wish: ForwardPlan = { protocol, port, to: addressNumber(client), toPort: internalPort };
    clearTimeout(known?.timer);
    this.#mapped.delete(key);
    // the lab may have forwarded the port elsewhere since
    const isRenewed = known !== undefined && (await this.#nat.hasForward(known.forward));
    const granted = isRenewed ? port : await this.#nat.requestForward(wish);
    if (granted < 0) return 'no resources';
    const seconds = Math.min(lifetime, MAX_LIFETIME_S);
    const timer = setTimeout(() => void this.#unmap(key).catch(() => {}), seconds * 1000).unref();
    this.#mapped.set(key, { forward: { ...wish, port: granted }, timer });
    // the router restarted during the request
    if (this.#hasEnded) this.end();
    return { port: granted, lifetime: seconds };
  }

  /** Ends the mappings whose keys begin so. */
  async #unmap(prefix: string): Promise<Grant> {
    for (const [key, { forward, timer }] of this.#mapped) {
      if (!(prefix.endsWith(' ') ? key.startsWith(prefix) : key === prefix)) continue;
      clearTimeout(timer);
      this.#mapped.delete(key);
      await this.#nat.removeForward(forward);
    }
    return { port: 0, lifetime: 0 };
  }

  /** Ends all of them, with the router. */
  end(): void {
    this.#hasEnded = true;
    for (const { forward, timer } of this.#mapped.values()) {
      clearTimeout(timer);
      this.#nat.removeForward(forward).catch(() => {});
    }
    this.#mapped.clear();
  }
}
