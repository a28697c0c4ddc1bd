/** ioth/lab: links and networks with faults. */

// for who compiles against the declarations without naming Node's types
/// <reference types="node" preserve="true" />

export type { Distribution } from './fabric/distribution.js';
export { Fabric, type FabricOptions } from './fabric/fabric.js';
export type { FabricCapture, FabricCaptureOptions, FabricCaptureTarget } from './fabric/fabric-capture.js';
export type { BurstLoss, LinkFaults, QueueLimit } from './fabric/faults.js';
export { Link, type LinkDirection, type LinkOptions, type LinkStats } from './fabric/link.js';
export type { FabricNetwork, FaultDirections } from './fabric/network.js';
export type { DropCounts, NetworkStats, PortStats } from './fabric/stats.js';
