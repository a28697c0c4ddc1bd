import type { Problem } from './resolv-conf.js';

/** What a services(5) file says, ready to be asked. */
export interface Services {
  /** The port of a service ('http') over a protocol ('tcp'). */
  port(name: string, protocol: string): number | undefined;
  /** The first name that a port has over a protocol. */
  name(port: number, protocol: string): string | undefined;
  problems: Problem[];
}

/** Reads services(5): a name, port/protocol, aliases; '#' starts a comment. Bad lines go to `problems`. */
export function parseServices(text: string): Services {
  const ports = new Map<string, number>();
  const names = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const [name, where, ...aliases] = line.replace(/#.*/, '').split(/\s+/).filter(Boolean);
    if (name === undefined) continue;
    const [, digits, protocol = ''] = /^(\d{1,5})\/(\w+)$/.exec(where ?? '') ?? [];
    const port = Number(digits);
    if (digits === undefined || port > 65535) {
      problems.push({ line: index + 1, text: line.trim(), reason: `'${where ?? ''}' is not a port/protocol` });
      continue;
    }
    for (const alias of [name, ...aliases]) {
      const key = `${alias}/${protocol}`;
      if (!ports.has(key)) ports.set(key, port);
    }
    const key = `${port}/${protocol}`;
    if (!names.has(key)) names.set(key, name);
  }
  return {
    port: (name, protocol) => ports.get(`${name}/${protocol}`),
    name: (port, protocol) => names.get(`${port}/${protocol}`),
    problems,
  };
}
