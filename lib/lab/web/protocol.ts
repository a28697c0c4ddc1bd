/* What a lab tells its page, and the page the lab. All of it is JSON. */

/** A network as it was made. */
export interface PageNetwork {
  readonly name: string;
  readonly prefixes: readonly string[];
  readonly hasExit: boolean;
}

/** A cable of a host, with the faults of its own link as they were configured. */
export interface PageCable {
  readonly network: string;
  readonly mac: string;
  readonly addresses: readonly string[];
  readonly up: PageFaults;
  readonly down: PageFaults;
}

/** A host as it was made. */
export interface PageHost {
  readonly name: string;
  readonly isRouter: boolean;
  readonly nat?: {
    readonly outside: string;
    readonly inside: readonly string[];
    readonly addresses: readonly string[];
  };
  readonly hasFirewall: boolean;
  readonly roams: boolean;
  /** 'DNS', 'DHCP' */
  readonly services: readonly string[];
  readonly cables: readonly PageCable[];
}

export interface PageLab {
  readonly seed: number;
  readonly networks: readonly PageNetwork[];
  readonly hosts: readonly PageHost[];
}

export type PageFaults = Readonly<Record<string, unknown>>;

/** Directions between hosts, or own links of hosts. */
export interface PageWay {
  readonly from?: readonly string[];
  readonly to?: readonly string[];
  readonly up?: readonly string[];
  readonly down?: readonly string[];
}

/** What may change of a lab. */
export interface PageState {
  readonly networks: Readonly<Record<string, PageNetworkState>>;
  readonly hosts: Readonly<Record<string, { readonly isUp: boolean; readonly on: readonly string[] }>>;
}

export interface PageNetworkState {
  readonly faults: PageFaults;
  readonly rules: readonly { readonly faults: PageFaults; readonly path: PageWay }[];
  readonly cuts: readonly PageWay[];
  /** The groups of a partition; hosts that are in none are one more. */
  readonly groups: readonly (readonly string[])[];
}

export type PageEventKind = 'faults' | 'cut' | 'heal' | 'host' | 'move' | 'nat' | 'connection' | 'lease' | 'test';

/** Something that happened in a lab, in milliseconds since 1970. */
export interface PageEvent {
  readonly time: number;
  readonly kind: PageEventKind;
  readonly text: string;
  /** How the lab was after it, if it changed. */
  readonly state?: PageState;
}

/** A frame on a network, once for each network that it passed. */
export interface PageFrame {
  readonly network: string;
  /** Its number on the network. */
  readonly mark: number;
  /** The number of the frame if this has only a comment on it. */
  readonly of?: number;
  /** When it came from a host, in milliseconds since 1970. */
  readonly time: number;
  readonly from: string;
  /** The length that it had; `bytes` has the first ones, in base64. */
  readonly length: number;
  readonly bytes: string;
  readonly comment?: string;
  /** Who got it, and when. */
  readonly arrivals: readonly (readonly [host: string, time: number])[];
}

/** The counts of a port since the lab was made: of frames, and of bytes. */
export interface PagePortStats {
  readonly received: { readonly frames: number; readonly bytes: number };
  readonly sent: { readonly frames: number; readonly bytes: number };
  readonly dropped: Readonly<Record<string, number>>;
}

export type PageStats = Readonly<Record<string, PagePortStats>>;

/** What a page begins with. A report has nothing more. */
export interface PageStart {
  readonly isLive: boolean;
  readonly time: number;
  readonly lab: PageLab;
  readonly state: PageState;
  readonly events: readonly PageEvent[];
  readonly frames: readonly PageFrame[];
  readonly stats: Readonly<Record<string, PageStats>>;
  /** The failed test that a report is of. */
  readonly test?: { readonly name: string; readonly error: string };
  /** The number of this page at its lab, for terminals. */
  readonly client?: number;
}

/** What passed on a network in a fifth of a second. */
export interface PageBatch {
  readonly network: string;
  readonly time: number;
  readonly frames: readonly PageFrame[];
  /** Frames that were shown before, and have arrived now. */
  readonly arrivals: readonly (readonly [mark: number, host: string, time: number])[];
  readonly notes: readonly (readonly [mark: number, text: string])[];
  /** How many frames passed that are not shown. */
  readonly passedOver: number;
  readonly stats: PageStats;
}

/** A message of a lab to its page. */
export type PageMessage =
  | { readonly start: PageStart }
  | { readonly batch: PageBatch }
  | { readonly event: PageEvent }
  | { readonly terminal: number; readonly output: string }
  | { readonly terminal: number; readonly ended: true };

/** What a page asks its lab to do. */
export type PageAction =
  | { readonly do: 'set'; readonly network: string; readonly faults: PageFaults; readonly path?: PageWay }
  | { readonly do: 'reset'; readonly network: string; readonly path?: PageWay }
  | { readonly do: 'cut'; readonly network: string; readonly a: readonly string[]; readonly b: readonly string[] }
  | { readonly do: 'partition'; readonly network: string; readonly groups: readonly (readonly string[])[] }
  | { readonly do: 'heal'; readonly network?: string }
  | { readonly do: 'down' | 'up' | 'restart'; readonly host: string }
  | { readonly do: 'move'; readonly host: string; readonly network: string }
  | { readonly do: 'flush'; readonly host: string }
  | { readonly do: 'host'; readonly host: string }
  | {
      readonly do: 'open';
      readonly client: number;
      readonly host: string;
      readonly columns: number;
      readonly rows: number;
    }
  | { readonly do: 'type'; readonly client: number; readonly terminal: number; readonly text: string }
  | {
      readonly do: 'resize';
      readonly client: number;
      readonly terminal: number;
      readonly columns: number;
      readonly rows: number;
    }
  | { readonly do: 'close'; readonly client: number; readonly terminal: number };

/** The answer to 'host'. */
export interface PageHostDetails {
  readonly interfaces: readonly string[];
  readonly routes: readonly string[];
  readonly sockets: readonly string[];
  readonly programs: readonly string[];
  readonly mappings: readonly string[];
}
