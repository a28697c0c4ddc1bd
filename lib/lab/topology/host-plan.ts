import { AF_INET } from '../../constants/socket.js';
import type { LinkPlan, NatRequest, NetworkPlan } from './config.js';

/** The interface of a host on one network. */
export interface Attachment {
  readonly network: NetworkPlan;
  readonly mac: string;
  /** Addresses by family: AF_INET, AF_INET6, in this order. */
  readonly addresses: ReadonlyMap<number, string>;
  /** The faults of the host's own link to the network. */
  readonly link?: LinkPlan | undefined;
  /** True if its IPv6 address is that of SLAAC. */
  readonly slaac?: boolean;
}

/** A checked host with its addresses. */
export interface HostPlan {
  readonly name: string;
  /** Its interfaces that are on a network now. */
  readonly attachments: readonly Attachment[];
  /** All its interfaces, if it roams: it is on one of their networks at a time. */
  readonly cables?: readonly Attachment[];
  readonly isRouter: boolean;
  /** Its NAT. */
  readonly nat?: NatRequest | undefined;
  /** Its firewall, unchecked. */
  readonly firewall?: unknown;
}

/** Returns the networks that are private behind the NAT of a host. */
export function insideOf({ nat, attachments }: HostPlan): NetworkPlan[] {
  return nat ? attachments.map(({ network }) => network).filter((network) => network !== nat.outside) : [];
}

/** Returns the networks inside of the NAT64 of a host: those with IPv6 only. */
export function nat64NetworksOf(host: HostPlan): NetworkPlan[] {
  const hasIPv4 = ({ prefixes }: NetworkPlan) => prefixes.some(({ family }) => family === AF_INET);
  return host.nat?.nat64 ? insideOf(host).filter((network) => !hasIPv4(network)) : [];
}

/** Returns the networks that are private behind the NAT of a host, for a family. */
export function privateOf(host: HostPlan, family: number): NetworkPlan[] {
  return family === AF_INET || host.nat?.prefix6 ? insideOf(host) : [];
}

/** Returns the interface of a host on a network. */
export function attachmentOn(host: HostPlan, network: NetworkPlan): Attachment | undefined {
  return host.attachments.find((attachment) => attachment.network === network);
}

/** A host that is on one of its networks at a time. */
export class RoamingPlan implements HostPlan {
  readonly isRouter = false;
  #current: Attachment;

  constructor(
    readonly name: string,
    readonly cables: readonly Attachment[],
    readonly firewall: unknown,
  ) {
    this.#current = cables[0]!;
  }

  get attachments(): readonly Attachment[] {
    return [this.#current];
  }

  moveTo(attachment: Attachment): void {
    this.#current = attachment;
  }
}

/** Returns the network on which a host that roams is now. */
export function currentNetwork({ attachments }: HostPlan): NetworkPlan {
  return attachments[0]!.network;
}

/** Returns all interfaces of a host, also those that are on no network now. */
export function cablesOf({ attachments, cables }: HostPlan): readonly Attachment[] {
  return cables ?? attachments;
}

/** Returns the interface of a host for a network, even if it is not there now. */
export function cableFor(host: HostPlan, network: NetworkPlan): Attachment | undefined {
  return cablesOf(host).find((attachment) => attachment.network === network);
}

/** Returns the networks that the firewall of a host is for. */
export function guardedBy({ isRouter, nat, attachments, cables }: HostPlan): NetworkPlan[] {
  const networks = (cables ?? attachments).map(({ network }) => network);
  return isRouter ? [nat?.outside ?? networks[networks.length - 1]!] : networks;
}
