/** Zones for the authoritative server of the tests. */

const SOA = '@ 60 IN SOA ns.example.test. root.example.test. 2026010101 7200 3600 86400 60';

/** How many addresses big.example.test has: more than fits in a datagram. */
export const BIG = 200;

function big(): string {
  return Array.from({ length: BIG }, (_, i) => `big 60 IN A 10.7.0.${i + 1}`).join('\n');
}

export const ZONES: Record<string, string | null> = {
  'example.test': `$ORIGIN example.test.
${SOA}
@ 60 IN NS ns
@ 60 IN MX 10 mail
@ 60 IN MX 20 backup.mail
@ 60 IN TXT "hello" "world"
@ 60 IN TXT "v=spf1 -all"
@ 60 IN CAA 0 issue "ca.test"
@ 60 IN CAA 128 iodef "mailto:root@example.test"
@ 60 IN NAPTR 100 50 "s" "SIP+D2U" "" _sip._udp
@ 60 IN A 10.5.1.1
@ 60 IN AAAA fd05:1::1
ns 60 IN A 10.5.0.1
mail 60 IN A 10.5.1.2
_sip._udp 60 IN SRV 10 60 5060 sip
_sip._udp 60 IN SRV 20 0 5061 sip
host 60 IN A 10.5.0.9
host 60 IN AAAA fd05::9
www 60 IN CNAME web
web 60 IN CNAME host
elsewhere 60 IN CNAME real.other.test.
dangling 60 IN CNAME nowhere
loop1 60 IN CNAME loop2
loop2 60 IN CNAME loop1
four 60 IN A 10.5.2.4
six 60 IN AAAA fd05:2::6
text 60 IN TXT "no address"
near 60 IN A 10.9.0.1
near 60 IN A 10.5.0.77
six6 60 IN AAAA fd05:ffff::1
six6 60 IN AAAA fd05::5:1
mixed 60 IN A 10.5.2.1
mixed 60 IN AAAA 2001:db8:5::77
mixed 60 IN AAAA fd05::77
away 60 IN AAAA 2001:db8:dead::1
away 60 IN A 10.5.0.66
linklocal 60 IN A 169.254.1.1
linklocal 60 IN A 10.5.2.3
sixtofour 60 IN AAAA 2002:c000:204::1
sixtofour 60 IN AAAA 2001:db8:5::78
deep.sub 60 IN A 10.5.2.8
* .wild 60 IN A 10.5.2.9
${big()}
`.replace('* .wild', '*.wild'),
  'sub.test': `$ORIGIN sub.test.
${SOA}
@ 60 IN NS ns.example.test.
only 60 IN A 10.6.0.1
host 60 IN A 10.6.0.9
a.b 60 IN A 10.6.0.2
`,
  'other.test': `$ORIGIN other.test.
${SOA}
@ 60 IN NS ns.example.test.
real 60 IN A 10.6.1.1
real 60 IN AAAA fd06::1
`,
  '0.5.10.in-addr.arpa': `$ORIGIN 0.5.10.in-addr.arpa.
${SOA}
@ 60 IN NS ns.example.test.
9 60 IN PTR host.example.test.
`,
  '5.0.d.f.ip6.arpa': `$ORIGIN 5.0.d.f.ip6.arpa.
${SOA}
@ 60 IN NS ns.example.test.
9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 60 IN PTR host.example.test.
`,
  // named in the configuration and not there: the server fails for it
  'broken.test': null,
};
