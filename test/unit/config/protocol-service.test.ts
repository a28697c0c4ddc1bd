import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { realClock } from '../../../lib/config/clock.js';
import { InterfaceConfig } from '../../../lib/config/interface-config.js';
import { type LeaseContent, type ProtocolClient, ProtocolService } from '../../../lib/config/protocol-service.js';
import type { LeaseEvent } from '../../../lib/config/provider.js';
import { AF_INET } from '../../../lib/constants/index.js';
import { IothError } from '../../../lib/core/errors.js';
import type { StackInterface } from '../../../lib/dns/stack-interface.js';

const LEASE = { dns: ['10.0.0.1', 'fe80::1'], domains: ['a.org'] };

/** STACK STAND-IN: an interface that takes one address, or refuses it. */
function stackStandIn(refusal?: IothError): StackInterface {
  const host: Partial<StackInterface> = {
    link: () => ({ name: 'vde0' }) as ReturnType<StackInterface['link']>,
    ipaddr_add: () => {
      if (refusal) throw refusal;
    },
    ipaddr_del: () => {},
  };
  return host as StackInterface;
}

/** A service whose client does what the test says. */
class TestService extends ProtocolService<typeof LEASE> {
  readonly calls: string[] = [];
  readonly events: [string, LeaseEvent][];
  onStart = () => {};
  protected readonly client: ProtocolClient = {
    failure: { code: 'ETIMEDOUT', hint: 'nobody answered' },
    start: () => {
      this.calls.push('start');
      this.onStart();
    },
    stop: (options) => this.calls.push(options?.release ? 'release' : 'stop'),
  };

  constructor(refusal?: IothError) {
    const events: [string, LeaseEvent][] = [];
    const onLease = (name: string, event: LeaseEvent) => events.push([name, event]);
    super('dhcp4', new InterfaceConfig(stackStandIn(refusal), 7), { clock: realClock, onLease });
    this.events = events;
  }

  get source() {
    return { ...this.config.get('dhcp4'), ...this.config.settings };
  }

  bind(): void {
    this.leaseEvents.onBound(LEASE);
  }

  expire(): void {
    this.leaseEvents.onLost(LEASE, 'expired');
  }

  protected contentOf(): LeaseContent {
    const addresses = [{ family: AF_INET, address: '10.0.0.9', prefixlen: 24 }];
    return { addresses, routes: [], mtu: null, server: '10.0.0.1', routers: [], leaseTime: 60 };
  }
}

test('an acquisition that cannot start rejects once, and its time limit is forgotten', async () => {
  const unheard: unknown[] = [];
  const listen = (reason: unknown) => unheard.push(reason);
  process.on('unhandledRejection', listen);
  const service = new TestService();
  service.onStart = () => {
    throw new Error('no descriptor left');
  };
  await expect(service.acquire({ timeout: 10 })).rejects.toThrow('no descriptor left');
  await delay(30);
  process.off('unhandledRejection', listen);
  expect(unheard).toEqual([]);
  expect(service.calls).toEqual(['start', 'stop']);
});

test('an acquisition ends by what came first: its lease, its time limit, a signal, stop', async () => {
  const bound = new TestService();
  const { signal } = new AbortController();
  const acquired = bound.acquire({ timeout: 10_000, signal });
  bound.bind();
  await expect(acquired).resolves.toBeUndefined();
  expect(bound.calls).toEqual(['start']);
  expect(getEventListeners(signal, 'abort')).toEqual([]);

  const late = new TestService();
  await expect(late.acquire({ timeout: 5 })).rejects.toMatchObject({ code: 'ETIMEDOUT', syscall: 'dhcp' });
  const aborted = new TestService();
  const reason = new Error('enough');
  await expect(aborted.acquire({ timeout: 10_000, signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
    name: 'AbortError',
    cause: reason,
  });
  expect(aborted.calls.at(-1)).toBe('stop');
  const stopped = new TestService();
  const waiting = stopped.acquire({ timeout: 10_000 });
  stopped.stop({ release: true });
  await expect(waiting).rejects.toMatchObject({ code: 'ECANCELED', syscall: 'dhcp' });
  expect(stopped.calls[1]).toBe('release');
});

test('an acquisition that awaits its turn ends by its time limit, a signal, stop; its client does not start', async () => {
  let begin = () => {};
  const turn = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const [late, aborted, stopped, next] = Array.from({ length: 4 }, () => new TestService());
  await expect(late!.acquire({ timeout: 5 }, turn)).rejects.toMatchObject({ code: 'ETIMEDOUT', syscall: 'dhcp' });
  const controller = new AbortController();
  const waiting = aborted!.acquire({ timeout: 10_000, signal: controller.signal }, turn);
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  const removed = stopped!.acquire({ timeout: 10_000 }, turn);
  stopped!.stop({ release: true });
  next!.onStart = () => next!.bind();
  const acquired = next!.acquire({ timeout: 10_000 }, turn);
  begin();
  await expect(removed).rejects.toMatchObject({ code: 'ECANCELED' });
  await expect(acquired).resolves.toBeUndefined();
  expect([late, aborted, stopped, next].map((service) => service!.calls)).toEqual([
    ['stop'],
    ['stop'],
    ['release', 'stop'],
    ['start'],
  ]);
});

test('a lease is put on the interface and reported; one that is over is taken off', () => {
  const service = new TestService();
  service.bind();
  expect(service.source).toMatchObject({ servers: ['10.0.0.1', 'fe80::1%vde0'], search: ['a.org'] });
  const event = {
    protocol: 'dhcp4',
    ifindex: 7,
    addresses: ['10.0.0.9/24'],
    server: '10.0.0.1',
    routers: [],
    leaseTime: 60,
    unapplied: [],
    ...LEASE,
  };
  service.expire();
  expect(service.source).toMatchObject({ addresses: [], servers: [] });
  expect(service.events).toStrictEqual([
    ['lease', event],
    ['expire', { ...event, reason: 'expired' }],
  ]);
});

test('an address that the stack refuses ends the acquisition with its error', async () => {
  const service = new TestService(new IothError('EPERM', { syscall: 'RTM_NEWADDR' }));
  service.onStart = () => service.bind();
  await expect(service.acquire({ timeout: 10_000 })).rejects.toMatchObject({ code: 'EPERM', syscall: 'RTM_NEWADDR' });
  expect(service.calls).toEqual(['start', 'stop']);
});
