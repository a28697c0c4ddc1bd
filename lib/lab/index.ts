/** ioth/lab: hosts with real TCP/IP stacks, and links and networks with faults, in one process. */

// for programs that compile against the declarations without naming Node's types
/// <reference types="node" preserve="true" />

export type { CutDirections, FaultDirections } from '../fabric/directions.js';
export type { Distribution } from '../fabric/distribution.js';
export { Fabric, type FabricOptions } from '../fabric/fabric.js';
export type { FabricCapture, FabricCaptureOptions, FrameFate } from '../fabric/fabric-capture.js';
export type { BurstLoss, LinkFaults } from '../fabric/faults.js';
export type { Figures, HistoryOptions, SecondFigures } from '../fabric/figures.js';
export type {
  Firewall,
  FirewallAction,
  FirewallEndpoint,
  FirewallOptions,
  FirewallRule,
  FirewallType,
} from '../fabric/firewall/options.js';
export type { DnsPattern, DnsTypeName } from '../fabric/intercept/dns-pattern.js';
export type { TcpFlags } from '../fabric/intercept/flags-plan.js';
export type { IcmpName } from '../fabric/intercept/icmp-names.js';
export type { Intercept, InterceptHit, NextHitOptions } from '../fabric/intercept/intercept.js';
export type {
  PacketAction,
  PacketAnswer,
  PacketMatch,
  PacketPattern,
  PacketTest,
  ProtocolName,
} from '../fabric/intercept/match.js';
export type { InterceptOptions } from '../fabric/intercept/plan.js';
export { Link, type LinkDirection, type LinkEnd, type LinkOptions, type LinkStats } from '../fabric/link.js';
export type { NatMapping } from '../fabric/nat/mapping.js';
export type { NatBehavior, NatDependence, NatForward, NatTimeouts, NatType } from '../fabric/nat/options.js';
export type { FabricNetwork } from '../fabric/network.js';
export type { LinkProfile } from '../fabric/profiles.js';
export type { QueueLimit, QueueType } from '../fabric/queue-limit.js';
export type { LinkRate } from '../fabric/rate.js';
export type { DropCounts, NetworkStats, PortStats } from '../fabric/stats.js';
export type { TcpFlag } from '../fabric/tcp-flags.js';
export type { CaptureTarget as FabricCaptureTarget } from '../vde/capture.js';
export { LabFirewall } from './firewall.js';
export { LabHost, type MoveOptions } from './host.js';
export { Lab } from './lab.js';
export { type Forwarding, LabNat, type NatEvents } from './nat.js';
export { LabNetwork } from './network.js';
export type { HostConfig, HostLink, HostOptions, LabConfig, NatOptions, NetworkConfig } from './topology/config.js';
export type { DiagramOptions } from './topology/diagram-options.js';
export type { RouterAdvertisements } from './topology/router-advertisements.js';
export type { LabPage, ReportOptions, ServeOptions } from './web/options.js';
