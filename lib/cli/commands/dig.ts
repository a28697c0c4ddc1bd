import { isIP } from 'node:net';
import { reverseName } from '../../address/ip.js';
import { printable } from '../../core/printable.js';
import { parseServer, readDnsConfig } from '../../dns/dns-config.js';
import type { DnsRecord, RecordType, Reply } from '../../dns/message.js';
import { StubResolver } from '../../dns/stub-resolver.js';
import type { Stack } from '../../stack/stack.js';
import { type Command, CommandError, EXIT_FAILED, EXIT_OK, type Invocation, UsageError } from '../command.js';
import { openStack } from '../config.js';
import { checkArgumentCount, secondsOption } from '../parse.js';
import { recordData } from '../record-data.js';
import { print, printError, printJson, table } from '../terminal.js';

const USAGE = 'CONFIG NAME [TYPE] [@SERVER]';
const TYPES: readonly RecordType[] = [
  'A',
  'AAAA',
  'ANY',
  'CAA',
  'CNAME',
  'MX',
  'NAPTR',
  'NS',
  'PTR',
  'SOA',
  'SRV',
  'TXT',
];

/** `ioth dig`. */
export const command: Command = {
  usage: USAGE,
  help: `
Queries the name servers of a stack, or the server after the @, and prints the records: name, TTL in seconds, class, type
and data. TYPE is one of ${TYPES.join(', ')}; default A, or PTR if NAME is an address. NAME is used
unchanged: there is no search list. Exit code 1 if there is no such record.

  ioth dig vde:///tmp/sw,eth,dhcp www.example.org AAAA
  ioth dig vde:///tmp/sw,eth,ip=10.0.0.2/24 10.0.0.1 @10.0.0.53`,
  options: {
    json: { help: 'prints JSON' },
    wait: { short: 'w', value: 'SECONDS', help: 'how long a server may take to answer (5)' },
  },
  async run(invocation: Invocation) {
    const { options, signal } = invocation;
    const query = queryOf(invocation.args);
    const timeout = secondsOption(invocation, 'wait');
    await using stack = await openStack(query.config, { signal, loopback: true });
    const reply = await ask(stack, query, timeout, signal);
    if (options.json) printJson(reply.records.map(plainRecord));
    else if (reply.records.length > 0) print(table(reply.records.map((record) => recordRow(record).map(printable))));
    if (reply.status === 'found') return EXIT_OK;
    if (!options.json) printError(`ioth dig: ${printable(missing(reply, query))}`);
    return EXIT_FAILED;
  },
};

/** Returns the question; its server is undefined for the stack's own servers. */
function queryOf(words: readonly string[]) {
  const servers = words.filter((word) => word.startsWith('@'));
  const args = words.filter((word) => !word.startsWith('@'));
  checkArgumentCount(args, 2, 3, USAGE);
  if (servers.length > 1) throw new UsageError(`only one server can be asked, not ${servers.join(' and ')}`);
  const [config = '', given = '', typeWord = isIP(given) ? 'PTR' : 'A'] = args;
  const type = TYPES.find((one) => one === typeWord.toUpperCase());
  if (type === undefined) throw new UsageError(`'${typeWord}' is none of ${TYPES.join(', ')}`);
  const server = servers[0]?.slice(1);
  if (server !== undefined && !parseServer(server)) {
    throw new UsageError(`the server must be an address, '@10.0.0.53' or '@10.0.0.53:5353', not '@${server}'`);
  }
  return { config, name: type === 'PTR' && isIP(given) ? reverseName(given) : given, type, server };
}

type Query = ReturnType<typeof queryOf>;

async function ask(stack: Stack, query: Query, timeout: number | undefined, signal: AbortSignal): Promise<Reply> {
  const servers = query.server === undefined ? stack.dns.getServers() : [query.server];
  if (servers.length === 0) {
    throw new CommandError('the stack has no name server: give one as @10.0.0.53, or as dns=10.0.0.53 in CONFIG');
  }
  const conf = readDnsConfig(servers.join(','));
  const stub = new StubResolver(stack, () => conf, { cacheSize: 0, timeout, attempts: timeout && 1 });
  return stub.query(query.name, query.type, signal);
}

function missing({ status, canonicalName }: Reply, { type }: Query): string {
  const name = canonicalName === '' ? '.' : canonicalName;
  return status === 'nxdomain' ? `${name}: no such name (NXDOMAIN)` : `${name}: no ${type} record`;
}

/** Formats a record as a line of a zone file, as dig(1) does. */
function recordRow(record: DnsRecord): string[] {
  return [`${record.name}.`.replace(/^\.\.$/, '.'), String(record.ttl), 'IN', record.type, recordData(record)];
}

function plainRecord(record: DnsRecord): object {
  return { name: record.name, ttl: record.ttl, type: record.type, data: recordData(record) };
}
