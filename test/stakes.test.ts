import { expect, test } from 'vitest';
import { Flows } from '../probe/account/flow.ts';
import { Ledger, Resource } from '../probe/account/ledger.ts';
import { Scopes } from '../probe/account/scope.ts';
import { Stakes } from '../probe/account/stakes.ts';
import { asyncContextFrame } from '../probe/process/runtime.ts';
import { Followed } from '../probe/watch/scopes/followed.ts';

const nameless = { adapter: 'pg', library: 'pg', nature: 'lease' } as const;

function lease(ledger: Ledger): Resource {
  const resource = new Resource(ledger.account(ledger.source(nameless), null), null, 1);
  ledger.open(resource);
  return resource;
}

test('a mark is at stake until it is told that it matters no more, which counts once', () => {
  const stakes = new Stakes();
  const [one, other] = [stakes.came(true), stakes.came(true)];
  expect(stakes.contexts).toBe(2);
  stakes.left(one);
  stakes.left(0);
  expect(stakes.contexts).toBe(1);
  stakes.left(other);
  expect(stakes.contexts).toBe(0);
});

test('… of a lease for a minute, of anything else for two steps: then nobody waits for it, nor for what it is told later', () => {
  const stakes = new Stakes();
  const [ofLease, ofOther] = [stakes.came(true), stakes.came(false)];
  stakes.pass();
  expect(stakes.contexts).toBe(2);
  stakes.pass();
  expect(stakes.contexts).toBe(1);
  stakes.left(ofOther);
  expect(stakes.contexts).toBe(1);
  for (let step = 2; step < 63; step++) stakes.pass();
  expect(stakes.contexts).toBe(1);
  stakes.pass();
  expect(stakes.contexts).toBe(0);
  stakes.left(ofLease);
  expect(stakes.contexts).toBe(0);
});

test.runIf(asyncContextFrame)('a flow is asked for what it holds until that is given back, or was never got', () => {
  const ledger = new Ledger();
  const { stakes } = ledger;
  const flows = new Flows(stakes);
  const [served, failed] = [flows.ask(true)!, flows.ask(true)!];
  flows.enter(served);
  flows.failed(failed);
  const resource = lease(ledger);
  flows.served(served, resource);
  expect([stakes.contexts, flows.matters, flows.isAny]).toEqual([1, true, true]);
  // it is used by another flow first, and so has another mark
  flows.served(flows.ask(true)!, resource);
  expect(stakes.contexts).toBe(1);
  ledger.close(resource, 2);
  expect([stakes.contexts, flows.matters, flows.isAny]).toEqual([0, false, false]);
  flows.end();
});

test('a request is at stake while it runs; a job also after it, for it may leave work behind', () => {
  const stakes = new Stakes();
  const scopes = new Scopes('on', stakes);
  const request = scopes.begin('GET /', 'request');
  scopes.enter(request);
  expect([stakes.contexts, scopes.isAny]).toEqual([1, true]);
  scopes.end(request, null);
  scopes.end(request, null);
  expect([stakes.contexts, scopes.isAny]).toEqual([0, false]);
  scopes.run('order', () => {});
  scopes.run('order', () => {});
  expect([stakes.contexts, scopes.isAny]).toEqual([1, true]);
  scopes.stop();
});

test('… and so does a request as long as all of them are followed', () => {
  const stakes = new Stakes();
  const followed = new Followed(0, stakes);
  for (let request = 0; request < 1000; request++) {
    followed.takes();
    expect(stakes.contexts).toBe(1);
  }
  followed.takes();
  expect(stakes.contexts).toBe(0);
  followed.grant(1000);
  followed.takes();
  expect(stakes.contexts).toBe(1);
});
