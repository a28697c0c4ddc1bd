import { checkOptions, checkString, invalidValue } from '../core/validate.js';
import type { CaptureTarget } from '../vde/capture.js';
import type { CutDirections, FaultDirections } from './directions.js';
import { Fabric } from './fabric.js';
import type { FabricCapture, FabricCaptureOptions } from './fabric-capture.js';
import { checkFaults, FAULT_NAMES, type LinkFaults } from './faults.js';
import type { HistoryOptions, SecondFigures } from './figures.js';
import type { Intercept } from './intercept/intercept.js';
import type { PacketAction, PacketMatch, PacketTest } from './intercept/match.js';
import type { InterceptOptions } from './intercept/plan.js';
import type { FabricNetwork } from './network.js';
import type { PortStats } from './stats.js';

/** An end of a {@link Link}. */
export type LinkEnd = 'a' | 'b';

/** A direction of a {@link Link}. */
export type LinkDirection = 'aToB' | 'bToA';

/** Options of {@link Link.create}: faults of both directions, and faults of one direction, which replace them there. */
export interface LinkOptions extends LinkFaults {
  /** The seed of random faults, an integer from 0. Default: a random one. */
  seed?: number;
  aToB?: LinkFaults;
  bToA?: LinkFaults;
}

/** The counts of a {@link Link}: {@link PortStats} of its ends. */
export interface LinkStats {
  /** The first end: frames that came from it, and frames that went to it. */
  a: PortStats;
  /** The second end. */
  b: PortStats;
}

const DIRECTIONS: Record<LinkDirection, FaultDirections> = {
  aToB: { from: 'a', to: 'b' },
  bToA: { from: 'b', to: 'a' },
};

/**
 * A cable between two virtual networks, with faults. It forwards in a worker thread of its own, so that a busy program does not
 * change its timing.
 */
export class Link {
  /** The seed of its random faults: the same seed repeats them. */
  readonly seed: number;
  readonly #fabric: Fabric;
  readonly #network: FabricNetwork;
  /** The faults that it was made with. */
  readonly #configured: Readonly<Record<LinkDirection, LinkFaults>>;

  private constructor(fabric: Fabric, network: FabricNetwork, configured: Record<LinkDirection, LinkFaults>) {
    this.#fabric = fabric;
    this.#network = network;
    this.#configured = configured;
    this.seed = fabric.seed;
  }

  /**
   * Joins two networks.
   * @param a a virtual network locator: 'ptp:///tmp/a', whose other end a stack opens; 'vde:///tmp/sw', a switch
   * @param b the locator of the second network
   * @param options faults, named as by tc-netem(8): `{ delay: 20, loss: 0.01, seed: 1 }`
   * @throws {IothError} as VdePort.open; ERR_IOTH_FABRIC if the worker thread cannot be started
   * @throws {TypeError | RangeError} naming the option
   */
  static async create(a: string, b: string, options?: LinkOptions): Promise<Link> {
    checkString('a', a);
    checkString('b', b);
    const { seed, aToB, bToA, ...both } = checkOptions(options, ['seed', 'aToB', 'bToA', ...FAULT_NAMES]);
    checkFaults(both, 'options');
    if (aToB !== undefined) checkFaults(aToB, 'options.aToB');
    if (bToA !== undefined) checkFaults(bToA, 'options.bToA');
    const fabric = await Fabric.start({ seed });
    try {
      const network = fabric.addWire('link');
      await network.addPort('a', a);
      await network.set(both);
      // the second end opens last, so that no frame escapes the faults
      await network.addPort('b', b);
      const link = new Link(fabric, network, { aToB: aToB ?? both, bToA: bToA ?? both });
      if (aToB !== undefined || bToA !== undefined) await link.reset();
      return link;
    } catch (error) {
      await fabric.close();
      throw error;
    }
  }

  get closed(): boolean {
    return this.#fabric.closed;
  }

  /**
   * Sets the faults of one direction, or of both, from the next frame on. Faults that are not named end; {@link reset} brings
   * back those that the link was made with.
   * @throws {TypeError | RangeError} naming the fault
   */
  async set(faults: LinkFaults, direction?: LinkDirection): Promise<void> {
    await this.#network.set(faults, direction === undefined ? undefined : directionsOf(direction));
  }

  /** Brings back the faults that the link was made with, of one direction or of both. @throws {TypeError} */
  async reset(direction?: LinkDirection): Promise<void> {
    const { aToB, bToA } = this.#configured;
    if (direction !== 'bToA') await this.set(aToB, direction ?? 'aToB');
    if (direction !== 'aToB') await this.set(bToA, direction ?? 'bToA');
  }

  /**
   * Cuts one direction: no frame from `from` gets to `to`. Faults stay as they are. A cut is added to an earlier one; {@link heal}
   * ends both.
   * @param path the direction: `{ from: 'a', to: 'b' }`, or one of the two
   * @throws {TypeError} for an end other than 'a' and 'b'
   */
  async cut(path: CutDirections<LinkEnd>): Promise<void>;
  /** Cuts both directions: `cut('a', 'b')`. @throws {TypeError} as for one direction */
  async cut(a: LinkEnd, b: LinkEnd): Promise<void>;
  async cut(...args: [CutDirections] | [string, string]): Promise<void> {
    await this.#network.cut(...(args as [string, string]));
  }

  /** Ends the cuts. Faults stay as they are. */
  async heal(): Promise<void> {
    await this.#network.heal();
  }

  /** Unplugs the cable. Frames in transit are lost. */
  async down(): Promise<void> {
    await this.#network.down('a');
  }

  /** Plugs the cable in again. */
  async up(): Promise<void> {
    await this.#network.up('a');
  }

  /**
   * Captures the frames from both ends as pcapng. The interfaces are 'a' and 'b'. A frame that was dropped or changed on purpose
   * has a comment.
   * @param target a file's path or URL, a stream, which is ended, or a PcapngWriter, which is not. Default: memory
   * @throws {Error} of fs.open
   */
  capture(target?: CaptureTarget, options?: FabricCaptureOptions): Promise<FabricCapture> {
    return this.#network.capture(target, options);
  }

  /**
   * Acts on chosen frames, from the next one on: `link.intercept({ from: 'a', flags: 'SYN' }, 'drop', { times: 2 })`.
   * See {@link FabricNetwork.intercept}.
   * @throws {TypeError | RangeError} naming the argument
   */
  intercept(
    match: PacketMatch<LinkEnd> | PacketTest<LinkEnd>,
    action: PacketAction,
    options?: InterceptOptions,
  ): Promise<Intercept<LinkEnd>> {
    return this.#network.intercept(match as PacketMatch, action, options) as Promise<Intercept<LinkEnd>>;
  }

  /** Returns the last 1000 frames as pcapng, up to 2048 bytes of each. */
  recentFrames(): Promise<Buffer> {
    return this.#network.recentFrames();
  }

  /** Returns the counts of what it forwarded and dropped. */
  async stats(): Promise<LinkStats> {
    const { a, b } = (await this.#network.stats()).ports;
    return { a: a!, b: b! };
  }

  /**
   * Returns the figures of each of the last 600 seconds, for a and b and in all. They are always kept.
   * @throws {TypeError | RangeError} for invalid options
   */
  history(options?: HistoryOptions): Promise<SecondFigures<LinkEnd>[]> {
    return this.#network.history(options);
  }

  /** Closes both ends and ends the worker thread. Closing twice is fine. */
  close(): Promise<void> {
    return this.#fabric.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function directionsOf(direction: LinkDirection): FaultDirections {
  if (direction === 'aToB' || direction === 'bToA') return DIRECTIONS[direction];
  throw invalidValue('direction', "'aToB' or 'bToA'", direction);
}
