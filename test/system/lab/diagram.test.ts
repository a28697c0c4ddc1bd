import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabConfig } from 'ioth/lab';
import { topologyConfig } from '../../../lib/cli/lab/topologies.js';
import { NetworkState } from '../../../lib/lab/network-state.js';
import { diagram } from '../../../lib/lab/topology/diagram.js';
import type { DiagramOptions } from '../../../lib/lab/topology/diagram-options.js';
import { AS_MADE, drawing, type LabNow } from '../../../lib/lab/topology/drawing.js';
import { attachmentOn } from '../../../lib/lab/topology/host-plan.js';
import { Topology } from '../../../lib/lab/topology/topology.js';

/* Diagrams of topologies: what a reader of XML, and of mermaid's grammar, finds in them. */

const office: LabConfig = {
  networks: {
    internet: '203.0.113.0/24',
    home: { prefix: '192.168.1.0/24', prefix6: 'fd00::/64', mtu: 1400, delay: 5, loss: { p: 0.1, r: 0.5 } },
    dmz: { prefix6: 'fd00:1::/64', ra: { mtu: 1400 }, isolated: true },
    thin: { prefix6: 'fd00:2::/64' },
    back: '10.9.0.0/24',
  },
  hosts: {
    fritz: { networks: ['home', 'thin', 'internet'], nat: { type: 'home', nat64: true } },
    hub: ['internet', 'dmz', 'back'],
    phone: { networks: ['home', 'dmz'], roams: true },
    server: { networks: 'internet', firewall: 'block-inbound', links: { internet: { up: { rate: '1mbit' } } } },
    names: 'home',
  },
  dns: 'names',
};
const configs: Record<string, LabConfig> = {
  office,
  ...Object.fromEntries(['star=9', 'line=4', 'ring=6', 'tree=2,3', 'nat'].map((name) => [name, topologyConfig(name)])),
  'without hosts on a network': {
    networks: { lan: '10.0.0.0/24', empty: { prefix: '10.0.1.0/24', isolated: true } },
    hosts: { alice: 'lan' },
  },
};

const HOSTILE = '</text>"]<i>#35;`&\\';
/** A lab on which a note says something. */
const noted = (note: string): LabNow => ({
  ...AS_MADE,
  network: (network) => ({ ...AS_MADE.network(network), notes: [note] }),
});

interface Element {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
}

const READ_XML = `
import json, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.buffer.read())
print(json.dumps([{'tag': each.tag.replace('{http://www.w3.org/2000/svg}', ''), 'attributes': each.attrib, 'text': each.text or ''} for each in root.iter()]))
`;

/** The elements of a document, as expat reads it. It refuses what is not well-formed. */
function elementsOf(xml: string): Element[] {
  return JSON.parse(execFileSync('python3', ['-c', READ_XML], { input: xml, encoding: 'utf8' })) as Element[];
}

interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const numbers = (text = '') => (text.match(/-?[\d.]+/g) ?? []).map(Number);
const classesOf = ({ attributes }: Element) => (attributes.class ?? '').split(' ');

function boxOf({ tag, attributes }: Element): Rectangle {
  if (tag === 'rect') {
    const [left, top] = [Number(attributes.x), Number(attributes.y)];
    return { left, top, right: left + Number(attributes.width), bottom: top + Number(attributes.height) };
  }
  // 'M x y h width l c c v height …': the corners are cut
  const [x = 0, y = 0, width = 0, , corner = 0, height = 0] = numbers(attributes.d);
  return { left: x - corner, top: y, right: x + width + corner, bottom: y + height + 2 * corner };
}

function textBox({ attributes, text }: Element): Rectangle {
  const [left, baseline] = [Number(attributes.x), Number(attributes.y)];
  // a monospaced font of 12 pixels
  return { left, top: baseline - 9, right: left + 7.2 * text.length, bottom: baseline + 3 };
}

const meet = (a: Rectangle, b: Rectangle) =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
const isIn = (a: Rectangle, b: Rectangle) =>
  a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;

const svgOf = (config: LabConfig) => diagram(new Topology(config), AS_MADE, { format: 'svg' });

describe('as SVG', () => {
  it.each(Object.entries(configs))('%s: no text or host covers another, all of it is on the page', (_, config) => {
    const elements = elementsOf(svgOf(config));
    const [, , width = 0, height = 0] = numbers(elements[0]!.attributes.viewBox);
    const boxes = elements.filter((each) => ['host', 'router', 'nat'].some((kind) => classesOf(each).includes(kind)));
    const texts = elements.filter(({ tag }) => tag === 'text');
    expect(boxes.map(boxOf)).toHaveLength(Object.keys(config.hosts).length);
    const page = { left: 0, top: 0, right: width, bottom: height };
    for (const rectangle of [...boxes.map(boxOf), ...texts.map(textBox)]) expect(isIn(rectangle, page)).toBe(true);
    for (const [i, box] of boxes.map(boxOf).entries()) {
      for (const other of boxes.slice(0, i).map(boxOf)) expect(meet(box, other)).toBe(false);
      for (const text of texts.map(textBox)) expect(meet(box, text)).toBe(isIn(text, box));
    }
    const meeting = texts.flatMap((text, i) =>
      texts
        .slice(0, i)
        .flatMap((other) => (meet(textBox(text), textBox(other)) ? [`${text.text} / ${other.text}`] : [])),
    );
    expect(meeting).toEqual([]);
  });

  it.each(Object.entries(configs))('%s: each cable goes from its host to its network', (_, config) => {
    const elements = elementsOf(svgOf(config));
    const cables = elements
      .filter((each) => classesOf(each).includes('cable'))
      .map((each) => numbers(each.attributes.d));
    const bars = elements.filter((each) => classesOf(each).includes('bar')).map((each) => numbers(each.attributes.d));
    const dots = elements.filter(({ tag }) => tag === 'circle').map(({ attributes }) => [attributes.cx, attributes.cy]);
    expect(bars).toHaveLength(Object.keys(config.networks).length);
    expect(dots).toEqual(cables.map(([x, , to]) => [`${x}`, `${to}`]));
    for (const [x = 0, , to] of cables) {
      expect(bars.filter(([left = 0, y, right = 0]) => y === to && left <= x && x <= right)).toHaveLength(1);
    }
    // a cable that crosses networks is not beside another one
    const places = cables.map(([x, ...ends]) => ({ x, top: Math.min(...ends), bottom: Math.max(...ends) }));
    for (const [i, one] of places.entries()) {
      for (const other of places.slice(0, i)) {
        expect(one.x === other.x && one.top < other.bottom && other.top < one.bottom).toBe(false);
      }
    }
  });

  it('has all that the text has, for readers of a screen too', () => {
    const topology = new Topology(office);
    const elements = elementsOf(svgOf(office));
    const [root, title, desc] = elements;
    expect(root?.attributes).toMatchObject({
      role: 'img',
      'aria-label': 'Network lab: internet, home, thin, dmz, back',
    });
    expect([title?.tag, title?.text]).toEqual(['title', 'Network lab: internet, home, thin, dmz, back']);
    expect([desc?.tag, desc?.text]).toEqual(['desc', drawing(topology)]);
    const texts = elements.filter(({ tag }) => tag === 'text').map(({ text }) => text);
    const expected = ['fritz', 'NAT, home, NAT64', 'router', 'roams', 'firewall', 'DNS', 'up: rate=1mbit', 'mtu=1400'];
    expect(texts).toEqual(
      expect.arrayContaining([...expected, 'loss={p:0.1,r:0.5}', 'ra={mtu:1400}', '203.0.113.0/24']),
    );
    for (const { attachments } of topology.hosts) {
      for (const { addresses } of attachments) expect(texts).toEqual(expect.arrayContaining([...addresses.values()]));
    }
  });

  it('loads nothing, and styles nothing but itself', () => {
    const text = svgOf(office);
    expect(text).not.toMatch(/href|url\(|@import|<script|<foreignObject|\son\w+=/i);
    expect(text.match(/https?:[^"]*/g)).toEqual(['http://www.w3.org/2000/svg']);
    const style = elementsOf(text).find(({ tag }) => tag === 'style')!.text;
    const selectors = style.replace(/@media[^{]*\{/, '').match(/[^{}]+(?=\{)/g) ?? [];
    expect(selectors.flatMap((each) => each.split(',')).filter((each) => !each.startsWith('.ioth-lab '))).toEqual([]);
    expect(style).toContain('@media (prefers-color-scheme:dark)');
  });

  it('keeps its texts in their place, whatever they are made of', () => {
    const elements = elementsOf(diagram(new Topology(office), noted(HOSTILE), { format: 'svg' }));
    const texts = elements.filter(({ tag }) => tag === 'text').map(({ text }) => text);
    expect(texts.filter((text) => text === HOSTILE)).toHaveLength(5);
    expect(new Set(elements.map(({ tag }) => tag))).toEqual(
      new Set(['svg', 'title', 'desc', 'style', 'rect', 'g', 'path', 'circle', 'text']),
    );
  });
});

/** The nodes and edges of a flowchart. Refuses lines that are not of the form that this parser knows. */
function flowchart(text: string) {
  const [first, ...lines] = text.trimEnd().split('\n');
  expect(first).toBe('graph LR');
  const nodes = new Map<string, { shape: string; lines: string[] }>();
  const edges: string[] = [];
  const styles: string[] = [];
  const decoded = (label: string) =>
    label.split('<br>').map((line) => {
      expect(line).not.toMatch(/["<>]|&/);
      return line.replace(/#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
    });
  for (const line of lines) {
    const node = /^ {2}([nh]\d+)(\(\[|\{\{|\[)"([^"]*)"(\]\)|\}\}|\])$/.exec(line);
    const edge = /^ {2}(h\d+) (---|-\.-)\|"([^"]*)"\| (n\d+)$/.exec(line);
    const style = /^ {2}(classDef \w+ [\w:#,.-]+|class [\w,]+ \w+)$/.exec(line);
    if (node) nodes.set(node[1]!, { shape: node[2]!, lines: decoded(node[3]!) });
    else if (edge) edges.push([edge[1], edge[2], decoded(edge[3]!).join(' '), edge[4]].join(' '));
    else if (style) styles.push(style[1]!);
    else throw new Error(`not a line of a flowchart: ${line}`);
  }
  return { nodes, edges, styles };
}

describe('as a flowchart of mermaid', () => {
  it('has a node for each host and network, and an edge for each cable', () => {
    const { nodes, edges, styles } = flowchart(diagram(new Topology(office), AS_MADE));
    expect([...nodes].map(([id, { shape, lines }]) => `${id} ${shape} ${lines.join(', ')}`)).toEqual([
      'n0 ([ internet, 203.0.113.0/24',
      'n1 ([ home, 192.168.1.0/24 fd00::/64, mtu=1400, delay=5, loss={p:0.1,r:0.5}',
      'n2 ([ dmz, fd00:1::/64, ra={mtu:1400}',
      'n3 ([ thin, fd00:2::/64',
      'n4 ([ back, 10.9.0.0/24',
      'h0 {{ fritz, NAT, home, NAT64',
      'h1 {{ hub, router',
      'h2 [ phone, roams',
      'h3 [ server, firewall',
      'h4 [ names, DNS',
    ]);
    expect(edges.slice(0, 3)).toEqual([
      'h0 --- 192.168.1.1 fd00::1 n1',
      'h0 --- fd00:2::1 n3',
      'h0 --- 203.0.113.1 n0',
    ]);
    expect(edges.filter((edge) => edge.startsWith('h2'))).toEqual([
      expect.stringMatching(/^h2 --- 192.168.1.2 fd00::2 n1$/),
      expect.stringMatching(/^h2 -.- fd00:1::\S+ n2$/),
    ]);
    expect(edges).toContain('h3 --- 203.0.113.3 up: rate=1mbit down: no faults n0');
    expect(styles).toEqual([]);
  });

  it('keeps its texts in their place, whatever they are made of', () => {
    const { nodes } = flowchart(diagram(new Topology(office), noted(HOSTILE)));
    expect(nodes.get('n0')?.lines.at(-1)).toBe(HOSTILE);
  });
});

/** A lab to which something is done, and of which a host is down. */
function changing(topology: Topology, down: string) {
  const states = new Map(
    topology.networks.map((network) => {
      const hosts = topology.membersOf(network).map(({ name }) => name);
      return [network.name, new NetworkState(network.faults, hosts)];
    }),
  );
  const stateOf = (network: string) => states.get(network)!;
  const now: LabNow = {
    ...AS_MADE,
    network: ({ name }) => stateOf(name),
    isDown: ({ name }) => name === down,
    isOn: (host, network) => attachmentOn(host, network) !== undefined,
  };
  return { now, stateOf };
}

it('docs/lab.md shows the image that its sample makes', () => {
  const topology = new Topology({
    networks: { lan: '10.0.0.0/24', wan: { prefix: '10.1.0.0/24', delay: 20 } },
    hosts: { alice: 'lan', gate: ['lan', 'wan'], bob: 'wan' },
  });
  const { now, stateOf } = changing(topology, 'bob');
  stateOf('lan').partition([['alice']]);
  const image = diagram(topology, now, { format: 'svg' });
  expect(readFileSync(join(__dirname, '../../../docs/lab.svg'), 'utf8')).toBe(image);
});

describe('what is now', () => {
  const topology = new Topology(office);
  const { now, stateOf } = changing(topology, 'server');
  stateOf('internet').partition([['server']]);
  stateOf('home').cut({ from: ['names'], to: ['phone'] });
  stateOf('home').set({ delay: 300 }, {});
  const draw = (options: DiagramOptions) => diagram(topology, now, options);

  it('is in both, or not, as asked', () => {
    const image = elementsOf(draw({ format: 'svg' }));
    const texts = image.filter(({ tag }) => tag === 'text').map(({ text }) => text);
    const shown = ['delay=300', 'cut: from names to phone', 'group 1', 'group 2', 'down'];
    expect(texts).toEqual(expect.arrayContaining(shown));
    const count = (name: string) => image.filter((each) => classesOf(each).includes(name)).length;
    expect([count('split'), count('down'), count('off')]).toEqual([2, 1, 2]);
    expect(image[2]?.text).toBe(drawing(topology, now));

    const { nodes, edges, styles } = flowchart(draw({ format: 'mermaid', live: true }));
    expect(nodes.get('n1')?.lines.slice(2)).toEqual(['mtu=1400', 'delay=300', 'cut: from names to phone']);
    expect(nodes.get('h3')?.lines).toEqual(['server', 'firewall', 'down']);
    expect(edges).toContain('h3 -.- 203.0.113.3 up: rate=1mbit down: no faults n0');
    expect(styles.filter((style) => !style.startsWith('classDef'))).toEqual(['class n0,n1 split', 'class h3 down']);

    for (const format of ['svg', 'mermaid'] as const) {
      expect(draw({ format, live: false })).toBe(diagram(topology, AS_MADE, { format }));
      expect(draw({ format })).not.toBe(draw({ format, live: false }));
    }
  });

  it.each<[unknown, string]>([
    [{ format: 'png' }, "options.format must be 'mermaid' or 'svg', not 'png'"],
    [{ live: 'no' }, 'options.live must be'],
    [{ size: 1 }, "without 'size'"],
    ['svg', 'options must be { format, live }'],
  ])('%j is refused', (options, message) => {
    expect(() => draw(options as DiagramOptions)).toThrow(message);
  });
});
