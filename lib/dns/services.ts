import { type Problem, readLines } from './text-lines.js';

/** Parsed services(5) file. */
export interface Services {
  /** Returns the port of a service ('http') over a protocol ('tcp'). */
  port(name: string, protocol: string): number | undefined;
  /** Returns the first name of a port over a protocol. */
  name(port: number, protocol: string): string | undefined;
  problems: Problem[];
}

/** Reads services(5): a name, port/protocol, aliases; '#' starts a comment. Bad lines go to `problems`. */
export function parseServices(text: string): Services {
  const ports = new Map<string, number>();
  const names = new Map<string, string>();
  const problems = readLines(text, /#.*/, ([name = '', where = '', ...aliases]) => {
    const [, digits, protocol = ''] = /^(\d{1,5})\/(\w+)$/.exec(where) ?? [];
    const port = Number(digits);
    if (digits === undefined || port > 65535) return [`'${where}' is not a port/protocol`];
    for (const alias of [name, ...aliases]) setOnce(ports, `${alias}/${protocol}`, port);
    setOnce(names, `${port}/${protocol}`, name);
    return [];
  });
  return {
    port: (name, protocol) => ports.get(`${name}/${protocol}`),
    name: (port, protocol) => names.get(`${port}/${protocol}`),
    problems,
  };
}

// the first line wins
function setOnce<T>(map: Map<string, T>, key: string, value: T): void {
  if (!map.has(key)) map.set(key, value);
}
