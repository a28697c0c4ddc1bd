import { execFileSync } from 'node:child_process';
import * as constants from '../../../lib/constants/index.js';

const exported: Record<string, number> = { ...constants };

const PRINT_CONSTANTS = `
import json, socket
print(json.dumps({name: int(value) for name, value in vars(socket).items() if name.isupper() and isinstance(value, int)}))
`;

describe('constants', () => {
  test('are all integers', () => {
    const names = Object.keys(exported);
    expect(names.length).toBeGreaterThan(800);
    expect(names.filter((name) => !Number.isInteger(exported[name]))).toEqual([]);
  });

  test.each([
    ['AF_INET', 2],
    ['AF_INET6', 10],
    ['AF_NETLINK', 16],
    ['AF_PACKET', 17],
    ['SOCK_NONBLOCK', 0o4000],
    ['SOCK_CLOEXEC', 0o2000000],
    ['SO_REUSEADDR', 2],
    ['IPPROTO_ICMPV6', 58],
    ['IP_PKTINFO', 8],
    ['IP_RECVTTL', 12],
    ['IPV6_V6ONLY', 26],
    ['IPV6_RECVPKTINFO', 49],
    ['TCP_NODELAY', 1],
    ['ICMP6_FILTER', 1],
    ['MSG_DONTWAIT', 0x40],
    ['EAI_NONAME', -2],
    ['INADDR_LOOPBACK', 0x7f000001],
    ['ETH_P_ALL', 3],
    ['ETH_P_8021Q', 0x8100],
    ['IFF_RUNNING', 0x40],
    ['ARPHRD_ETHER', 1],
    ['NETLINK_EXT_ACK', 11],
    ['IFLA_IFNAME', 3],
    ['IFLA_INFO_DATA', 2],
    ['VETH_INFO_PEER', 1],
    ['IOTHCONF_RD', 16],
  ])('%s is %i', (name, value) => {
    expect(exported[name]).toBe(value);
  });

  test("have the values of Python's socket module", () => {
    const printed = execFileSync('python3', ['-c', PRINT_CONSTANTS], { encoding: 'utf8' });
    const ofPython: Record<string, number> = JSON.parse(printed);
    const shared = Object.keys(ofPython).filter((name) => name in exported);
    expect(shared.length).toBeGreaterThan(200);
    expect(pick(exported, shared)).toEqual(pick(ofPython, shared));
  });
});

function pick(values: Record<string, number>, names: string[]): Record<string, number | undefined> {
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}
