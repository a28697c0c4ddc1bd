import { kindTexts, type LabNow, linkTexts, networkTexts } from './drawing.js';
import { cablesOf } from './host-plan.js';
import type { Topology } from './topology.js';

/** Returns the networks and hosts as a flowchart of mermaid. */
export function mermaid(topology: Topology, now: LabNow): string {
  const lines = ['graph LR'];
  const [split, down]: [string[], string[]] = [[], []];
  topology.networks.forEach((network, i) => {
    const { faults, notes, groups, isCut } = now.network(network);
    if (isCut || groups.length > 0) split.push(`n${i}`);
    lines.push(`  n${i}([${label(...networkTexts(network, faults), ...notes)}])`);
  });
  topology.hosts.forEach((host, i) => {
    const isDown = now.isDown(host);
    if (isDown) down.push(`h${i}`);
    const name = label(host.name, ...kindTexts(topology, host, now));
    lines.push(`  h${i}${host.isRouter ? `{{${name}}}` : `[${name}]`}`);
    for (const attachment of cablesOf(host)) {
      const { network, addresses } = attachment;
      const cable = isDown || !now.isOn(host, network) ? '-.-' : '---';
      const text = label(...addresses.values(), ...linkTexts(attachment));
      lines.push(`  h${i} ${cable}|${text}| n${topology.networks.indexOf(network)}`);
    }
  });
  if (split.length > 0)
    lines.push('  classDef split stroke:#c62828,stroke-dasharray:6', `  class ${split.join()} split`);
  if (down.length > 0) lines.push('  classDef down stroke-dasharray:4,opacity:0.6', `  class ${down.join()} down`);
  return `${lines.join('\n')}\n`;
}

/** Returns a label with a line for each text. Characters that mermaid or HTML would read are entities in mermaid's form: '#60;'. */
function label(...texts: string[]): string {
  const escaped = texts.map((text) => text.replace(/["#&;<>\\`]/g, (character) => `#${character.charCodeAt(0)};`));
  return `"${escaped.join('<br>')}"`;
}
