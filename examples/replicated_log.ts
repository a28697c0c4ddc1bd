/**
 * Three hosts keep a log together (the core of Raft) over real TCP. The network is cut in two while they use it, and no
 * acknowledged entry is lost. With --broken an entry is acknowledged before the majority has it, and the capture shows why that
 * fails.
 *
 *     npx tsx examples/replicated_log.ts [--broken] [CAPTURE.pcapng]
 */

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Lab, type LabHost } from 'ioth/lab';

const PORT = 7000;
const HEARTBEAT_MS = 50;
const ELECTION_MS = 400;
const CALL_TIMEOUT_MS = 300;
/** The value of an entry that nobody gave. */
const NOTHING = '';

interface Entry {
  term: number;
  value: string;
}
type Request =
  | { type: 'vote'; term: number; candidate: string; length: number; lastTerm: number }
  | { type: 'append'; term: number; leader: string; start: number; startTerm: number; entries: Entry[]; commit: number }
  | { type: 'submit'; value: string };
interface Reply {
  ok: boolean;
  term: number;
}

/** Yields the lines of a connection until it ends, for any reason. */
async function* linesOf(socket: Socket): AsyncGenerator<string> {
  const lines = createInterface(socket);
  socket.on('error', () => {}).on('close', () => lines.close());
  try {
    yield* lines;
  } catch {
    // refused, reset, or timed out
  }
}

/** Sends one request over a new connection. @returns undefined if no answer comes in time */
async function call(host: string, request: Request, timeout = CALL_TIMEOUT_MS): Promise<Reply | undefined> {
  const socket = connect(PORT, host);
  const timer = setTimeout(() => socket.destroy(), timeout);
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const line of linesOf(socket)) return JSON.parse(line);
    return undefined;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

const NAMES = ['one', 'two', 'three'] as const;
type Name = (typeof NAMES)[number];

class Replica {
  role: 'follower' | 'candidate' | 'leader' = 'follower';
  term = 0;
  log: Entry[] = [];
  committed = 0;
  #votedFor: string | undefined;
  #electionAt = 0;
  /** The number of entries that each peer has. */
  #stored = new Map<string, number>();
  #asked = new Set<string>();
  #waiting: (() => void)[] = [];

  constructor(
    readonly name: Name,
    readonly host: LabHost,
    readonly peers: readonly Name[],
    readonly isBroken: boolean,
  ) {}

  async start(): Promise<void> {
    this.#postpone();
    await this.host.run(async () => {
      const server = createServer(async (socket) => {
        for await (const line of linesOf(socket))
          socket.end(`${JSON.stringify(await this.#answer(JSON.parse(line)))}\n`);
      });
      setInterval(() => this.#tick(), HEARTBEAT_MS).unref();
      await once(server.listen(PORT, '0.0.0.0'), 'listening');
    });
  }

  async #answer(request: Request): Promise<Reply> {
    if (request.type === 'submit') return { ok: await this.#submit(request.value), term: this.term };
    if (request.term > this.term) this.#follow(request.term);
    if (request.term < this.term) return { ok: false, term: this.term };
    return { ok: request.type === 'vote' ? this.#vote(request) : this.#append(request), term: this.term };
  }

  async #submit(value: string): Promise<boolean> {
    if (this.role !== 'leader') return false;
    // a client that had no answer gives its entry again
    let index = this.log.findIndex((each) => each.value === value) + 1;
    if (index === 0) index = this.log.push({ term: this.term, value });
    const entry = this.log[index - 1];
    for (const peer of this.peers) void this.#replicate(peer);
    if (this.isBroken) return true;
    while (this.committed < index && this.log[index - 1] === entry && this.role === 'leader') {
      await new Promise<void>((changed) => this.#waiting.push(changed));
    }
    return this.committed >= index && this.log[index - 1] === entry;
  }

  #vote({ candidate, length, lastTerm }: Request & { type: 'vote' }): boolean {
    const ownTerm = this.log.at(-1)?.term ?? 0;
    const isBehind = lastTerm < ownTerm || (lastTerm === ownTerm && length < this.log.length);
    if (isBehind || (this.#votedFor ?? candidate) !== candidate) return false;
    this.#votedFor = candidate;
    this.#postpone();
    return true;
  }

  #append({ start, startTerm, entries, commit }: Request & { type: 'append' }): boolean {
    this.role = 'follower';
    this.#postpone();
    if (start > 0 && this.log[start - 1]?.term !== startTerm) return false;
    entries.forEach((entry, i) => {
      // left by another leader, and never acknowledged
      if (this.log[start + i]?.term !== entry.term) this.log.splice(start + i, Number.POSITIVE_INFINITY, entry);
    });
    this.#commit(Math.min(commit, start + entries.length));
    return true;
  }

  #tick(): void {
    if (this.role === 'leader') for (const peer of this.peers) void this.#replicate(peer);
    else if (performance.now() > this.#electionAt) void this.#campaign();
  }

  async #campaign(): Promise<void> {
    this.#follow(this.term + 1);
    this.role = 'candidate';
    this.#votedFor = this.name;
    const { term, log } = this;
    const request = {
      type: 'vote',
      term,
      candidate: this.name,
      length: log.length,
      lastTerm: log.at(-1)?.term ?? 0,
    } as const;
    let votes = 1;
    await Promise.all(
      this.peers.map(async (peer) => {
        const reply = await call(peer, request);
        if (reply && reply.term > this.term) this.#follow(reply.term);
        if (!reply?.ok || this.term !== term || this.role !== 'candidate' || ++votes * 2 <= this.peers.length + 1)
          return;
        this.role = 'leader';
        this.#stored = new Map(this.peers.map((each) => [each, this.log.length]));
        // an entry of its own term takes the place of what only another leader had
        this.log.push({ term, value: NOTHING });
      }),
    );
  }

  async #replicate(peer: string): Promise<void> {
    if (this.#asked.has(peer)) return;
    this.#asked.add(peer);
    const { term } = this;
    const start = this.#stored.get(peer) ?? 0;
    const entries = this.log.slice(start);
    const startTerm = this.log[start - 1]?.term ?? 0;
    const reply = await call(peer, {
      type: 'append',
      term,
      leader: this.name,
      start,
      startTerm,
      entries,
      commit: this.committed,
    });
    this.#asked.delete(peer);
    if (!reply || this.term !== term || this.role !== 'leader') return;
    if (reply.term > term) return this.#follow(reply.term);
    this.#stored.set(peer, reply.ok ? start + entries.length : start - 1);
    const stored = [this.log.length, ...this.#stored.values()].sort((a, b) => b - a);
    const majority = stored[Math.floor(this.peers.length / 2 + 0.5)] ?? 0;
    if (this.log[majority - 1]?.term === term) this.#commit(majority);
    if (!reply.ok || this.log.length > start + entries.length) void this.#replicate(peer);
  }

  #follow(term: number): void {
    this.term = term;
    this.role = 'follower';
    this.#votedFor = undefined;
    this.#postpone();
    this.#commit(this.committed);
  }

  #commit(length: number): void {
    this.committed = Math.max(this.committed, length);
    for (const changed of this.#waiting.splice(0)) changed();
  }

  #postpone(): void {
    this.#electionAt = performance.now() + ELECTION_MS * (1 + Math.random());
  }
}

async function until<T>(find: () => T | undefined | false): Promise<T> {
  for (let tries = 0; tries < 3000; tries++) {
    const found = find();
    if (found) return found;
    await delay(10);
  }
  throw new Error('it took too long');
}

async function main(isBroken: boolean, captureFile: string | undefined): Promise<void> {
  await using lab = await Lab.create({
    networks: { lan: { prefix: '10.0.0.0/24', delay: 1 } },
    hosts: { one: 'lan', two: 'lan', three: 'lan', client: 'lan' },
  });
  const { lan } = lab.networks;
  const capture = captureFile === undefined ? undefined : await lan.capture(captureFile);
  const replicas = NAMES.map(
    (name) =>
      new Replica(
        name,
        lab.hosts[name],
        NAMES.filter((other) => other !== name),
        isBroken,
      ),
  );
  for (const replica of replicas) await replica.start();
  const acknowledged: string[] = [];
  const valuesOf = ({ log }: Replica) => log.map(({ value }) => value).filter((value) => value !== NOTHING);
  const agree = (some: Replica[]) => new Set(some.map((replica) => valuesOf(replica).join(' '))).size === 1;
  /** Not one that has not heard yet that another one has a later term. */
  const leaderOf = (some: Replica[]) => {
    const term = Math.max(...some.map((replica) => replica.term));
    return some.find((replica) => replica.role === 'leader' && replica.term === term);
  };
  const submit = async (value: string, to: Replica, timeout?: number) => {
    const reply = await lab.hosts.client.run(() => call(to.name, { type: 'submit', value }, timeout));
    if (reply?.ok) acknowledged.push(value);
    return reply?.ok;
  };
  const submitToAny = async (value: string, some: Replica[]) => {
    for (let tries = 0; tries < 20; tries++) if (await submit(value, await until(() => leaderOf(some)), 2000)) return;
    throw new Error(`no replica takes '${value}'`);
  };

  /** Gives an entry until all of them have it: a leader that acknowledges it too early may lose it. */
  const keep = async (value: string, some: Replica[]) => {
    for (let tries = 0; tries < 20; tries++) {
      await submitToAny(value, some);
      await until(() => agree(some));
      if (some.every((replica) => valuesOf(replica).includes(value))) return;
    }
    throw new Error(`'${value}' is lost each time`);
  };

  for (const value of ['a', 'b', 'c']) await keep(value, replicas);
  /** Cuts a leader off, and gives it an entry. Another one may have been elected just before. */
  const cutOff = async () => {
    const leader = await until(() => leaderOf(replicas));
    await lan.partition([leader.name, 'client'], leader.peers);
    const isAcknowledged = await submit('d', leader, isBroken ? 60_000 : 1000);
    if (isAcknowledged || leader.role === 'leader') return { old: leader, isAcknowledged };
    await lan.heal();
    return cutOff();
  };
  const { old, isAcknowledged } = await cutOff();
  const others = replicas.filter((replica) => replica !== old);
  const otherNames = others.map(({ name }) => name);
  console.log(`${old.name} leads, and is cut off with the client`);
  console.log(`'d' is ${isAcknowledged ? '' : 'not '}acknowledged by ${old.name}`);
  const next = await until(() => leaderOf(others));
  console.log(`${next.name} is elected by the others`);

  await lan.partition([old.name], [...otherNames, 'client']);
  await keep('e', others);
  console.log("'e' is acknowledged by the others");
  await lan.heal();
  await keep('f', replicas);
  const log = valuesOf(replicas[0]!);
  await capture?.stop();
  console.log(`all have ${log.join(' ')}; acknowledged: ${acknowledged.join(' ')}`);
  const lost = acknowledged.filter((value) => !log.includes(value));
  console.log(lost.length === 0 ? 'nothing is lost' : `LOST: ${lost.join(' ')}`);
  process.exitCode = lost.length === 0 ? 0 : 1;
}

const [first, ...rest] = process.argv.slice(2);
await main(first === '--broken', first === '--broken' ? rest[0] : first);
