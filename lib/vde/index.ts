/** ioth/vde: Ethernet ports on virtual networks, captures of their frames, and frames as text. */

// for programs that compile against the declarations without naming Node's types
/// <reference types="node" preserve="true" />

export { type Capture, type CaptureOptions, type CaptureTarget, capturePort } from './capture.js';
export { describeFrame } from './describe-frame.js';
export { type PcapngFrameOptions, type PcapngInterfaceOptions, PcapngWriter } from './pcapng.js';
export { VdePort, type VdePortOptions, type VdeWaitOptions } from './port.js';
