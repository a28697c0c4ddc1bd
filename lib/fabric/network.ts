import { libc } from '../../ffi/libc.js';
import { AF_UNIX, SOCK_SEQPACKET } from '../constants/socket.js';
import { IothError } from '../core/errors.js';
import { checkString, invalidType, invalidValue, repeatedIn } from '../core/validate.js';
import { socketPair } from '../io/socket-pair.js';
import { CableEnd } from '../vde/cable-end.js';
import { type CaptureTarget, checkCaptureOptions, writerTo } from '../vde/capture.js';
import { PcapngWriter } from '../vde/pcapng.js';
import { ThreadPort } from '../vde/thread-port.js';
import { type CutDirections, checkCut, checkDirections, type FaultDirections } from './directions.js';
import { BatchWriter, FabricCapture, type FabricCaptureOptions } from './fabric-capture.js';
import { checkFaults, type FaultPlan, type LinkFaults } from './faults.js';
import { checkHistoryOptions, figuresFrom, type HistoryOptions, type SecondFigures } from './figures.js';
import type { LinkWay } from './forwarder.js';
import { Intercept } from './intercept/intercept.js';
import type { PacketAction, PacketMatch, PacketTest } from './intercept/match.js';
import { checkIntercept, type InterceptOptions } from './intercept/plan.js';
import type { LiveBatch } from './live-feed.js';
import type { FrameBatch } from './recorder.js';
import type { NetworkStats } from './stats.js';
import type { WorkerThread } from './worker-thread.js';

/** The faults to set: between ports, and of the own link of a port. */
interface Plans extends Record<LinkWay, (port: string) => FaultPlan | undefined> {
  readonly between: FaultPlan | undefined;
}

/** The limit in characters: a switch shows 100 bytes of a port's description. */
const MAX_DESCRIPTION = 25;

let lastCapture = 0;
let lastIntercept = 0;

/**
 * An Ethernet switch with faults, in a worker thread of a {@link Fabric}. It learns which MAC is behind which port. Frames to
 * a group or to an unknown MAC go to all other ports. From each port to each other port there is a separate link, with its own
 * rate, queue and random numbers.
 */
export class FabricNetwork {
  readonly name: string;
  readonly #thread: WorkerThread;
  /** The ports by name; undefined while a port opens. */
  readonly #ports = new Map<string, ThreadPort | undefined>();
  /** The other ends of the cables of ports, by name. */
  readonly #cables = new Map<string, CableEnd>();
  /** The names of all ports, former ones too. */
  readonly #names = new Set<string>();
  /** The faults that the network was made with, between ports. */
  readonly #configured: FaultPlan | undefined;
  /** The faults that ports' own links were made with. */
  readonly #configuredLinks = new Map<string, Readonly<Partial<Record<LinkWay, FaultPlan>>>>();

  /** @internal use `fabric.addNetwork` */
  constructor(thread: WorkerThread, name: string, configured?: FaultPlan) {
    this.#thread = thread;
    this.name = name;
    this.#configured = configured;
    // calls are served in order; if the thread is gone the next one reports it
    if (configured) this.reset().catch(() => {});
  }

  /** @internal The thread that forwards */
  get thread(): WorkerThread {
    return this.#thread;
  }

  /** The names of the ports that are open. */
  get ports(): string[] {
    return [...this.#ports.keys()];
  }

  /**
   * Opens a port.
   * @param name its name in faults, partitions and captures
   * @param vnl a virtual network locator: 'ptp:///tmp/lab/alice', whose other end a stack opens; 'switch://PATH' is a whole
   * switch behind the port
   * @throws {IothError} EEXIST (the name is taken), and as VdePort.open
   * @throws {TypeError} for an invalid name or locator
   */
  async addPort(name: string, vnl: string): Promise<void> {
    checkString('vnl', vnl);
    await this.#addPort(name, () => ThreadPort.open(vnl, this.#describe(name)));
  }

  /**
   * Opens a port on a cable of its own, a socket pair. Unlike `ptp://` it has nothing in the file system, has room for more
   * frames, and sees the end when the other side is killed.
   * @returns the locator of the other end. A stack or port of this process must open it, and owns it from then on. If none does,
   * it is closed with the port
   * @throws {IothError} EEXIST, EMFILE
   */
  async addCable(name: string): Promise<string> {
    let [own, other] = [-1, -1];
    try {
      await this.#addPort(name, () => {
        [own, other] = socketPair(AF_UNIX, SOCK_SEQPACKET);
        return ThreadPort.open(`seqpacket://${own}`, this.#describe(name));
      });
      const end = new CableEnd(other);
      this.#cables.set(name, end);
      return end.locator;
    } catch (error) {
      if (other >= 0) libc().close(other);
      throw error;
    }
  }

  #describe(name: string): string {
    return `ioth ${this.name} ${name}`.slice(0, MAX_DESCRIPTION);
  }

  async #addPort(name: string, open: () => Promise<ThreadPort>): Promise<void> {
    if (checkString('name', name) === '') throw invalidValue('name', 'the name of a port', name);
    this.#checkOpen('addPort');
    if (this.#ports.has(name)) {
      throw new IothError('EEXIST', { syscall: 'addPort', hint: `there is a port '${name}' already` });
    }
    this.#ports.set(name, undefined);
    let port: ThreadPort | undefined;
    try {
      port = await open();
      this.#checkOpen('addPort');
      await this.#thread.call('addPort', this.name, name, port.conn, port.raw);
      this.#names.add(name);
      this.#ports.set(name, port);
    } catch (error) {
      this.#ports.delete(name);
      await port?.close();
      throw error;
    }
  }

  /**
   * Closes a port. Frames in transit to it are lost. Its name keeps its faults, its group in a partition, and its counts in the
   * total, for a port that is added later.
   * @throws {TypeError} if there is no such port
   * @throws {IothError} ERR_IOTH_FABRIC if the fabric is closed
   */
  async removePort(name: string): Promise<void> {
    // the thread of a fabric that is closing may use the port still
    this.#checkOpen('removePort');
    const port = this.#ports.get(this.#checkPort(name));
    if (!port) throw invalidValue('name', 'a port that is open', name);
    this.#ports.delete(name);
    try {
      await this.#thread.call('removePort', this.name, name);
    } finally {
      this.#cables.get(name)?.closeUnopened();
      this.#cables.delete(name);
      await port.close();
    }
  }

  /**
   * Sets the faults of the ways between ports, or of some of them, from the next frame on. Frames in transit arrive as planned.
   * Faults that are not named end, as with `tc qdisc change`, also those that the network was made with; {@link reset} brings
   * these back. Without `where`, or with neither `from` nor `to`, this also replaces earlier settings for some directions.
   *
   * `{ up: 'a' }` and `{ down: 'a' }` mean the own link of a port instead, which has no faults at first. A frame passes the link
   * of its sender, the way between both, and the link of its receiver, with the faults of each.
   * @throws {TypeError | RangeError} naming the fault, or the port
   */
  async set(faults: LinkFaults, where?: FaultDirections): Promise<void> {
    const plan = checkFaults(faults);
    await this.#setPlans(where, { between: plan, up: () => checkFaults(faults, 'faults', true), down: () => plan });
  }

  /**
   * Brings back the faults that the network was made with, after {@link set}.
   * @param where as for {@link set}. Default: all directions, and the own links of all ports
   * @throws {TypeError} for a name that no port has
   */
  async reset(where?: FaultDirections): Promise<void> {
    const own = (way: LinkWay) => (name: string) => this.#configuredLinks.get(name)?.[way];
    const plans = { between: this.#configured, up: own('up'), down: own('down') };
    await this.#setPlans(where, plans);
    const isForAll = Object.values(where ?? {}).every((ports) => ports === undefined);
    const names = [...this.#names];
    if (isForAll && names.length > 0) await this.#setPlans({ up: names, down: names }, plans);
  }

  async #setPlans(where: FaultDirections | undefined, plans: Plans): Promise<void> {
    const { from, to, up, down } = checkDirections('where', where, (name, value) => this.#checkNames(name, value));
    const isBetween = up === undefined && down === undefined;
    const call = this.#thread.call.bind(this.#thread);
    await Promise.all([
      ...(isBetween ? [call('setFaults', this.name, { from, to, plan: plans.between })] : []),
      ...(up ?? []).map((name) => call('setLink', this.name, name, 'up', plans.up(name))),
      ...(down ?? []).map((name) => call('setLink', this.name, name, 'down', plans.down(name))),
    ]);
  }

  /** @internal Sets the faults that the own link of a port has, and has again after `reset` */
  async configureLink(name: string, up: LinkFaults, down: LinkFaults): Promise<void> {
    this.#configuredLinks.set(name, { up: checkFaults(up, 'up', true), down: checkFaults(down, 'down') });
    await this.reset({ up: name, down: name });
  }

  /**
   * Cuts one direction: no frame from `from` gets to `to`. A cut is added to earlier cuts and to a partition; {@link heal} ends
   * all of them. Ports that are not named still reach both.
   * @param path the direction: `{ from: 'a', to: 'b' }`. Without `to`: to all ports; without `from`: from all
   * @throws {TypeError} for a name that no port has
   */
  async cut(path: CutDirections): Promise<void>;
  /** Cuts both directions between a and b, each a port or several. @throws {TypeError} for a name that no port has */
  async cut(a: string | readonly string[], b: string | readonly string[]): Promise<void>;
  async cut(a: unknown, b?: unknown): Promise<void> {
    await this.#thread.call(
      'cut',
      this.name,
      checkCut(a, b, (name, value) => this.#checkNames(name, value)),
    );
  }

  /**
   * Blocks all frames between ports of different groups. Ports that are in no group form one more group. Replaces an earlier
   * partition.
   * @throws {TypeError} for a name that is in two groups, or that no port has
   */
  async partition(...groups: (readonly string[])[]): Promise<void> {
    const checked = groups.map((group, i) => this.#checkNames(`groups[${i}]`, group) ?? []);
    const twice = repeatedIn(checked.flat());
    if (twice !== undefined)
      throw invalidValue('groups', `lists with each port once: '${twice}' is there twice`, groups);
    await this.#thread.call('partition', this.name, checked);
  }

  /** Ends the partition, and all cuts. Faults stay as they are. */
  async heal(): Promise<void> {
    await this.#thread.call('heal', this.name);
  }

  /** Unplugs the cable of a port. Frames in transit on it are lost, as are those to it. @throws {TypeError} if there is no such port */
  async down(name: string): Promise<void> {
    await this.#thread.call('setPortUp', this.name, this.#checkPort(name), false);
  }

  /** Plugs the cable of a port in again. @throws {TypeError} if there is no such port */
  async up(name: string): Promise<void> {
    await this.#thread.call('setPortUp', this.name, this.#checkPort(name), true);
  }

  /**
   * Captures the frames of the network as pcapng: an interface for each port, each frame once, as it came from its port, with a
   * comment on what was done to it on purpose.
   * @param target a file's path or URL, a stream, which is ended, or a PcapngWriter, which is not. Default: memory
   * @throws {Error} of fs.open
   */
  async capture(target?: CaptureTarget, options?: FabricCaptureOptions): Promise<FabricCapture> {
    const checked = checkCaptureOptions(options, ['snaplen', 'filter', 'onFrame']);
    this.#checkOpen('capture');
    const writer = await writerTo(target);
    const id = ++lastCapture;
    const isShared = writer === target;
    const capture = new FabricCapture(this.#thread, [this.name, id], writer, { ...checked, isShared });
    try {
      await this.#thread.call('startCapture', this.name, id);
    } catch (error) {
      await capture.stop();
      throw error;
    }
    return capture;
  }

  /**
   * Acts on chosen frames, from the next one on. Of several intercepts the first one that matches a frame acts on it; one with the
   * action 'pass' leaves it to the others. A frame that goes to several ports is one hit.
   * @param match what the frames have: `{ from: 'alice', protocol: 'udp', toPort: 9000 }`; or a function that decides
   * @param action 'drop', { delay: 100 }, 'duplicate', 'corrupt', 'reject' or 'pass'
   * @param options `{ times: 2 }` acts on two frames only, `{ after: 2 }` not on the first two
   * @throws {TypeError | RangeError} naming the argument
   */
  async intercept(
    match: PacketMatch | PacketTest,
    action: PacketAction,
    options?: InterceptOptions,
  ): Promise<Intercept> {
    const { plan, test } = checkIntercept(match, action, options, (what, names) => this.#checkNames(what, names));
    this.#checkOpen('intercept');
    const id = ++lastIntercept;
    const intercept = new Intercept(this.#thread, [this.name, id], test);
    await this.#thread.call('startIntercept', this.name, id, plan, intercept.count);
    return intercept;
  }

  /** Returns the last 1000 frames that the network forwarded or dropped, as pcapng, up to 2048 bytes of each. */
  async recentFrames(): Promise<Buffer> {
    const { names, batch } = await this.recentRecords();
    const writer = new PcapngWriter();
    new BatchWriter(writer, {}).write(names, batch);
    return writer.toBuffer();
  }

  /** @internal Returns the same, with the names of the ports */
  recentRecords(): Promise<{ names: readonly string[]; batch: FrameBatch }> {
    return this.#thread.call('recentFrames', this.name);
  }

  /**
   * @internal Shows some frames and the counts to a listener, five times a second, until it is stopped.
   * @returns a function that stops it
   */
  async show(listener: (batch: LiveBatch) => void): Promise<() => Promise<void>> {
    const { shown } = this.#thread;
    const listeners = shown.get(this.name) ?? new Set();
    shown.set(this.name, listeners.add(listener));
    if (listeners.size === 1) await this.#thread.call('show', this.name);
    return async () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      await this.#thread.call('hide', this.name).catch(() => {});
    };
  }

  /** Returns the counts of what it forwarded and dropped. */
  stats(): Promise<NetworkStats> {
    return this.#thread.call('stats', this.name);
  }

  /**
   * Returns the figures of each of the last 600 seconds: frames and bytes from each port and to it, and frames that did not arrive.
   * They are always kept, and cost nothing a frame.
   * @throws {TypeError | RangeError} for invalid options
   */
  async history(options?: HistoryOptions): Promise<SecondFigures[]> {
    return figuresFrom(await this.#thread.call('history', this.name, checkHistoryOptions(options)));
  }

  /** @internal Closes all ports after the worker thread has ended. If it uses them still, the end of the process closes them */
  async closePorts(): Promise<void> {
    if (!this.#thread.isIdle) return;
    const ports = [...this.#ports.values()];
    this.#ports.clear();
    for (const end of this.#cables.values()) end.closeUnopened();
    this.#cables.clear();
    await Promise.all(ports.map((port) => port?.close()));
  }

  /** @internal Closes all ports at the end of the process */
  closePortsSync(): void {
    if (!this.#thread.isIdle) return;
    for (const port of this.#ports.values()) port?.closeAtExit();
  }

  #checkOpen(syscall: string): void {
    if (this.#thread.hasEnded) {
      throw new IothError('ERR_IOTH_FABRIC', { syscall, hint: 'the fabric is closed' });
    }
  }

  #checkPort(name: unknown): string {
    if (this.#names.has(checkString('name', name))) return name as string;
    throw invalidValue('name', `a port of the network: ${this.#shownNames()}`, name);
  }

  #checkNames(what: string, value: unknown): readonly string[] | undefined {
    if (value === undefined) return undefined;
    const names: unknown = typeof value === 'string' ? [value] : value;
    if (!Array.isArray(names)) throw invalidType(what, 'the name of a port, or an array of them', value);
    const unknown = names.findIndex((name) => !this.#names.has(name as string));
    if (unknown >= 0) throw invalidValue(what, `ports of the network: ${this.#shownNames()}`, names[unknown]);
    return [...new Set(names as string[])].sort();
  }

  #shownNames(): string {
    return this.#names.size === 0 ? 'it has none' : [...this.#names].map((name) => `'${name}'`).join(', ');
  }
}
