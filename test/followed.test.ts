import { expect, test } from 'vitest';
import { Scopes } from '../probe/account/scope.ts';
import { Followed } from '../probe/watch/scopes/followed.ts';

function taken(followed: Followed, requests: number): number {
  let count = 0;
  for (let i = 0; i < requests; i++) if (followed.takes()) count++;
  return count;
}

test('a quiet service has every request followed', () => {
  const followed = new Followed(0);
  expect(taken(followed, 1000)).toBe(1000);
  followed.grant(1000);
  taken(followed, 50);
  for (let second = 2; second < 12; second++) {
    followed.grant(second * 1000);
    expect(taken(followed, 100)).toBe(100);
  }
});

test('a busy one has twenty-five a second followed, and one of sixty-four beyond', () => {
  const followed = new Followed(0);
  taken(followed, 1000);
  for (let second = 1; second < 10; second++) {
    followed.grant(second * 1000);
    const [first, next] = [taken(followed, 25), taken(followed, 75)];
    expect(first).toBe(25);
    expect(next).toBeLessThan(10);
    const share = taken(followed, 40_000) / 40_000;
    expect(share).toBeGreaterThan(1 / 80);
    expect(share).toBeLessThan(1 / 50);
  }
});

test('what was not used up is kept, to a limit: after a quiet night no burst is followed for ever', () => {
  const followed = new Followed(0);
  taken(followed, 1000);
  for (let second = 0; second < 3600; second++) followed.grant(second * 1000);
  expect(taken(followed, 1000)).toBe(1000);
  expect(taken(followed, 8000)).toBeLessThan(200);
});

test('when something new is found all are followed for a minute', () => {
  const followed = new Followed(0);
  taken(followed, 10_000);
  const leak = new Map([['orders.js:7', { certainty: 'suspect' as const }]]);
  followed.found(leak, 1000);
  followed.grant(60_000);
  expect(taken(followed, 5000)).toBe(5000);
  // that more of the same is left is no news
  followed.found(leak, 60_000);
  followed.grant(61_000);
  expect(taken(followed, 8000)).toBeLessThan(300);
  followed.found(new Map([['orders.js:7', { certainty: 'likely' as const }]]), 62_000);
  expect(taken(followed, 5000)).toBe(5000);
});

test('a request that is not followed is in no scope, whatever it was called in', () => {
  const scopes = new Scopes('on');
  const before = scopes.begin('GET /orders', 'request');
  scopes.enter(before);
  expect(scopes.current()).toBe(before);
  scopes.leave();
  expect(scopes.current()).toBeNull();
  scopes.pass();
  expect(scopes.totals.get('(not followed)')).toMatchObject({ began: 1, ended: 1 });
});
