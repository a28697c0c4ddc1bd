import { once } from 'node:events';
import { connect } from 'node:net';
import * as dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { AF_INET } from 'ioth';
import { ipBytes, ipText } from '../../../lib/address/ip.js';
import { leaseOf } from '../../../lib/config/dhcp4/lease.js';
import {
  DHCPACK,
  DHCPDISCOVER,
  DHCPNAK,
  DHCPOFFER,
  DHCPREQUEST,
  decodeReply,
  encodeRequest,
  Option,
} from '../../../lib/config/dhcp4/message.js';
import { decodeRequest, encodeReply } from '../../../lib/lab/services/dhcp-message.js';
import { DhcpResponder } from '../../../lib/lab/services/dhcp-server.js';
import { DnsZone } from '../../../lib/lab/services/dns-zone.js';
import type { HostPlan } from '../../../lib/lab/topology/host-plan.js';
import { Topology } from '../../../lib/lab/topology/topology.js';
import { makePatient, patientLab } from '../../support/lab-hosts.js';
import { expectNothingLeft, holdings } from '../../support/leaks.js';
import { PATIENCE_MS } from '../../support/until.js';

const config = {
  networks: { lan: '10.0.0.0/24', wan: { prefix: '10.1.0.0/24', prefix6: 'fd00:1::/64' } },
  hosts: { alice: 'lan', gate: ['lan', 'wan'], bob: 'wan' },
  dns: 'gate',
} as const;

describe('the DNS server of a lab', () => {
  const topology = new Topology(config);
  const zone = new DnsZone(topology, topology.dns as HostPlan);

  function ask(name: string, type: string, { isTcp = false, ...more }: { isTcp?: boolean; flags?: number } = {}) {
    const question = { name, type: type as dnsPacket.RecordType };
    const query = dnsPacket.encode({ type: 'query', id: 7, flags: more.flags ?? 0x100, questions: [question] });
    const answer = zone.answer(query, isTcp);
    if (!answer) throw new Error('no answer');
    const { id, flags = 0, answers = [], authorities = [] } = dnsPacket.decode(answer);
    const data = answers.map((record) => ('data' in record ? record.data : undefined));
    return {
      id,
      rcode: flags & 15,
      isAuthoritative: (flags & 0x400) !== 0,
      data,
      authorities: authorities.map((a) => a.name),
    };
  }

  it('has the addresses of the hosts, and the names of their addresses', () => {
    expect(ask('gate.lab.test', 'A')).toMatchObject({
      id: 7,
      rcode: 0,
      isAuthoritative: true,
      data: ['10.0.0.2', '10.1.0.1'],
    });
    expect(ask('GATE.lab.TEST', 'AAAA').data).toEqual(['fd00:1::1']);
    expect(ask('2.0.1.10.in-addr.arpa', 'PTR').data).toEqual(['bob.lab.test']);
    expect(ask(`2.${'0.'.repeat(15)}0.0.0.0.0.0.0.0.1.0.0.0.0.0.d.f.ip6.arpa`, 'PTR').data).toEqual(['bob.lab.test']);
    expect(ask('lab.test', 'NS').data).toEqual(['gate.lab.test']);
    expect(ask('lab.test', 'SOA').data).toMatchObject([{ mname: 'gate.lab.test' }]);
  });

  it('knows that there is nothing else', () => {
    expect(ask('alice.lab.test', 'AAAA')).toMatchObject({ rcode: 0, data: [], authorities: ['lab.test'] });
    expect(ask('nobody.lab.test', 'A')).toMatchObject({ rcode: 3, data: [], authorities: ['lab.test'] });
    expect(ask('example.org', 'A')).toMatchObject({ rcode: 3, data: [], authorities: ['.'] });
    expect(ask('alice.lab.test', 'A', { flags: 0x2900 })).toMatchObject({ rcode: 4 });
  });

  /** The response to a query with a class, and with an OPT of a version. */
  function respond(name: string, { qclass = 1, version }: { qclass?: number; version?: number }): Buffer {
    const opt = { type: 'OPT', name: '.', udpPayloadSize: 4096, ednsVersion: version, flags: 0x8000 } as const;
    const query = dnsPacket.encode({
      type: 'query',
      id: 7,
      questions: [{ name, type: 'A' }],
      additionals: version === undefined ? [] : [opt as unknown as dnsPacket.OptAnswer],
    });
    query.writeUInt16BE(qclass, 12 + name.length + 2 + 2);
    return zone.answer(query, false) as Buffer;
  }

  it.each([3, 255, 0x4242, 0x8001])('refuses the class %i, which it repeats', (qclass) => {
    const response = respond('alice.lab.test', { qclass });
    expect(dnsPacket.decode(response)).toMatchObject({
      rcode: 'REFUSED',
      flag_aa: false,
      answers: [],
      authorities: [],
    });
    expect(response.readUInt16BE(response.length - 2)).toBe(qclass);
  });

  it('answers EDNS with EDNS of version 0, and others without', () => {
    const optOf = (response: Buffer) => dnsPacket.decode(response).additionals?.[0];
    const own = { type: 'OPT', udpPayloadSize: 1232, ednsVersion: 0, extendedRcode: 0, flags: 0x8000, options: [] };
    expect(optOf(respond('alice.lab.test', { version: 0 }))).toMatchObject(own);
    expect(optOf(respond('nobody.lab.test', { version: 0 }))).toMatchObject(own);
    expect(optOf(respond('alice.lab.test', { version: 0, qclass: 3 }))).toMatchObject(own);
    expect(optOf(respond('alice.lab.test', {}))).toBeUndefined();
    // BADVERS is 16, whose upper bits are in the OPT
    const refused = respond('alice.lab.test', { version: 1 });
    expect(optOf(refused)).toMatchObject({ ...own, extendedRcode: 1 });
    expect(dnsPacket.decode(refused)).toMatchObject({ rcode: 'NOERROR', flag_aa: false, answers: [] });
  });

  it('refuses a query with two records of EDNS', () => {
    const opt = { type: 'OPT', name: '.', udpPayloadSize: 4096 } as unknown as dnsPacket.OptAnswer;
    const questions = [{ name: 'alice.lab.test', type: 'A' as const }];
    const query = dnsPacket.encode({ type: 'query', id: 7, questions, additionals: [opt, opt] });
    expect(dnsPacket.decode(zone.answer(query, true) as Buffer)).toMatchObject({ rcode: 'FORMERR', answers: [] });
  });

  it.each(['.', 'test', 'arpa', '10.in-addr.arpa', '0.1.10.in-addr.arpa', '0.0.d.f.ip6.arpa'])(
    'says of %s that it has no records, not that there is nothing below it',
    (name) => expect(ask(name, 'A')).toMatchObject({ rcode: 0, data: [], authorities: ['.'] }),
  );

  it('says by UDP that an answer is too long for it, and gives it by TCP', () => {
    const hosts = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`n${i}`, `10.${i + 2}.0.0/24`]));
    const big = new Topology({ networks: hosts, hosts: { hub: Object.keys(hosts) } });
    const all = new DnsZone(big, big.hosts[0] as HostPlan);
    const query = dnsPacket.encode({ type: 'query', id: 1, questions: [{ name: 'hub.lab.test', type: 'A' }] });
    expect(dnsPacket.decode(all.answer(query, false) as Buffer)).toMatchObject({ flag_tc: true, answers: [] });
    expect(dnsPacket.decode(all.answer(query, true) as Buffer).answers).toHaveLength(30);
  });

  it('answers no response, and survives whatever comes', () => {
    expect(zone.answer(dnsPacket.encode({ type: 'response', id: 1 }), false)).toBeNull();
    const valid = dnsPacket.encode({ type: 'query', id: 1, questions: [{ name: 'bob.lab.test', type: 'A' }] });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => void zone.answer(bytes, false)));
    fc.assert(
      fc.property(fc.nat(valid.length - 1), fc.nat(255), (at, value) => {
        const damaged = Buffer.from(valid);
        damaged[at] = value;
        zone.answer(damaged, true);
      }),
    );
  });

  it('is asked by the hosts, by UDP and by TCP', async () => {
    const before = holdings();
    await using lab = await patientLab(config);
    const { alice, bob } = lab.hosts;
    const dns = alice.stack.dns.promises;
    expect(await dns.lookup('bob')).toEqual({ address: '10.1.0.2', family: 4 });
    expect(await dns.resolve6('bob.lab.test')).toEqual(['fd00:1::2']);
    expect(await dns.reverse('10.1.0.1')).toEqual(['gate.lab.test']);
    await expect(dns.lookup('nobody')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    expect((await bob.ping('alice', { count: 1, timeout: PATIENCE_MS })).address).toBe('10.0.0.1');

    const query = dnsPacket.streamEncode({ type: 'query', id: 9, questions: [{ name: 'bob.lab.test', type: 'A' }] });
    const tcp = alice.run(() => connect(53, '10.0.0.2'));
    // in pieces, and two at once
    tcp.write(query.subarray(0, 5));
    tcp.write(Buffer.concat([query.subarray(5), query]));
    let received = Buffer.alloc(0);
    while (received.length < 2 || received.length < 2 * (2 + received.readUInt16BE(0))) {
      received = Buffer.concat([received, (await once(tcp, 'data'))[0]]);
    }
    expect(dnsPacket.streamDecode(received)).toMatchObject({ id: 9, answers: [{ data: '10.1.0.2' }] });
    tcp.destroy();
    await lab.close();
    await expectNothingLeft(before);
  });
});

describe('the DHCP server of a lab', () => {
  const topology = new Topology({ ...config, dhcp: 'gate' });
  const gate = topology.dhcp as HostPlan;
  const attachment = gate.attachments[0]!;
  const prefix = attachment.network.prefixes[0]!;
  const known = topology.hosts[0]?.attachments[0]?.mac as string;
  const newServer = () => new DhcpResponder(topology, attachment, prefix);

  function ask(
    server: DhcpResponder,
    type: number,
    mac: string,
    options: [number, Uint8Array][] = [],
    ciaddr = '0.0.0.0',
  ) {
    const request = decodeRequest(encodeRequest({ type, xid: 5, secs: 0, mac, ciaddr, options }));
    const reply = request && server.answer(request);
    const decoded = request && reply ? decodeReply(encodeReply(request, reply)) : null;
    return decoded && { type: decoded.type, address: ipText(decoded.yiaddr), lease: leaseOf(decoded) };
  }

  it('gives each host its own address, and the way to the other networks', () => {
    const server = newServer();
    const offer = ask(server, DHCPDISCOVER, known);
    expect(offer).toMatchObject({ type: DHCPOFFER, address: '10.0.0.1' });
    expect(offer?.lease).toMatchObject({
      server: '10.0.0.2',
      prefixlen: 24,
      dns: ['10.0.0.2', '10.1.0.1'],
      domains: ['lab.test'],
      routes: [{ destination: '10.1.0.0', prefixlen: 24, gateway: '10.0.0.2' }],
    });
    const wish: [number, Uint8Array][] = [[Option.REQUESTED_ADDRESS, ipBytes('10.0.0.1')]];
    expect(ask(server, DHCPREQUEST, known, wish)).toMatchObject({ type: DHCPACK, address: '10.0.0.1' });
    expect(ask(server, DHCPREQUEST, known, [], '10.0.0.1')).toMatchObject({ type: DHCPACK });
    expect(ask(server, DHCPREQUEST, known, [[Option.REQUESTED_ADDRESS, ipBytes('10.0.0.77')]])).toMatchObject({
      type: DHCPNAK,
    });
    expect(ask(server, DHCPREQUEST, known, [...wish, [Option.SERVER_ID, ipBytes('10.0.0.9')]])).toBeNull();
  });

  it('gives others what is free, from the end, until they release it or decline it', () => {
    const server = newServer();
    const [one, two] = ['02:ff:00:00:00:01', '02:ff:00:00:00:02'] as const;
    expect(ask(server, DHCPDISCOVER, one)).toMatchObject({ address: '10.0.0.254' });
    expect(ask(server, DHCPDISCOVER, two)).toMatchObject({ address: '10.0.0.253' });
    expect(ask(server, DHCPDISCOVER, one)).toMatchObject({ address: '10.0.0.254' });
    expect(ask(server, DHCPDISCOVER, one)?.lease?.routes).toHaveLength(1);
    expect(ask(server, 7, one)).toBeNull();
    expect(ask(server, 4, two)).toBeNull();
    expect(ask(server, DHCPDISCOVER, two)).toMatchObject({ address: '10.0.0.254' });
    expect(ask(server, DHCPDISCOVER, one)).toMatchObject({ address: '10.0.0.252' });
    expect(ask(server, 8, one, [], '10.0.0.50')).toMatchObject({ type: DHCPACK, address: '0.0.0.0' });
  });

  it('survives whatever comes', () => {
    const server = newServer();
    const valid = encodeRequest({ type: DHCPDISCOVER, xid: 1, secs: 0, mac: known, ciaddr: '0.0.0.0', options: [] });
    const serve = (bytes: Uint8Array) => {
      const request = decodeRequest(bytes);
      const reply = request && server.answer(request);
      if (request && reply) encodeReply(request, reply);
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), serve));
    fc.assert(
      fc.property(fc.nat(valid.length - 1), fc.nat(255), (at, value) =>
        serve(Uint8Array.from(valid, (b, i) => (i === at ? value : b))),
      ),
    );
  });

  it('configures the hosts on its networks, and busybox too', async () => {
    const before = holdings();
    await using lab = await patientLab({ ...config, dhcp: 'gate' });
    const { alice, gate, bob } = lab.hosts;
    expect(alice.stack.interfaces().flatMap(({ addresses }) => addresses.map(({ address }) => address))).toContain(
      '10.0.0.1',
    );
    expect(String(alice.stack.dns.getServers())).toBe('10.0.0.2,10.1.0.1');
    expect((await alice.ping('bob', { count: 1, timeout: PATIENCE_MS })).received).toBe(1);
    expect((await bob.ping('gate', { count: 1, timeout: PATIENCE_MS, family: 6 })).received).toBe(1);
    await lab.restart('bob');
    makePatient(lab);
    expect((await alice.ping('bob', { count: 1, timeout: PATIENCE_MS })).received).toBe(1);

    await lab.restart('gate');
    // it asks forty times, each for three seconds
    const words = ['udhcpc', '-i', 'lan', '-f', '-q', '-n', '-t', '40', '-s', '/bin/true'];
    const udhcpc = alice.spawn('busybox', words, { stdio: 'pipe' });
    let said = '';
    udhcpc.stderr.on('data', (data) => {
      said += data;
    });
    const [code] = await once(udhcpc, 'close');
    expect({ code, said }).toEqual({
      code: 0,
      said: expect.stringMatching(/lease of 10\.0\.0\.1 obtained from 10\.0\.0\.2/),
    });
    expect(gate.address()).toBe('10.0.0.2');
    await lab.close();
    await expectNothingLeft(before);
  });

  it('leaves a network with an exit to slirp: the hosts there have their addresses without it', async () => {
    await using lab = await patientLab({
      networks: { lan: '10.0.0.0/24', net: { exit: 'slirp' } },
      hosts: { gate: ['lan', 'net'], alice: 'lan', bob: 'net', phone: { networks: ['lan', 'net'], roams: true } },
      dhcp: 'gate',
    });
    const { alice, bob, phone } = lab.hosts;
    expect((await alice.ping('bob', { count: 1, timeout: PATIENCE_MS })).received).toBe(1);
    await phone.move('lan', 'net');
    for (const host of [bob, phone]) {
      expect((await host.ping('10.0.2.2', { count: 1, timeout: PATIENCE_MS })).received).toBe(1);
      expect(host.stack.routes(AF_INET).flatMap(({ dst_prefixlen, gw }) => (dst_prefixlen === 0 ? [gw] : []))).toEqual([
        '10.0.2.2',
      ]);
    }
    expect((await alice.ping('phone', { count: 1, timeout: PATIENCE_MS })).received).toBe(1);
  });
});
