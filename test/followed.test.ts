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

test('a busy one has twenty-five a second followed, and one of 256 beyond', () => {
  const followed = new Followed(0);
  taken(followed, 1000);
  let beyond = 0;
  for (let second = 1; second < 10; second++) {
    followed.grant(second * 1000);
    const [first, next] = [taken(followed, 25), taken(followed, 75)];
    expect(first).toBe(25);
    expect(next).toBeLessThan(10);
    beyond += taken(followed, 40_000);
  }
  expect(beyond / (9 * 40_000)).toBeGreaterThan(1 / 300);
  expect(beyond / (9 * 40_000)).toBeLessThan(1 / 220);
});

test('… which come four in a row: what is done seldom is dear the first time', () => {
  const followed = new Followed(0);
  taken(followed, 1000);
  const each = Array.from({ length: 40_000 }, () => (followed.takes() ? 'x' : ' ')).join('');
  const rows = each.trim().split(/ +/);
  expect(rows.length).toBeGreaterThan(20);
  expect(new Set(rows)).toEqual(new Set(['xxxx']));
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
  followed.found(leak, false, 1000);
  followed.grant(60_000);
  expect(taken(followed, 5000)).toBe(5000);
  // that more of the same is left is no news
  followed.found(leak, false, 60_000);
  followed.grant(61_000);
  expect(taken(followed, 8000)).toBeLessThan(300);
  followed.found(new Map([['orders.js:7', { certainty: 'likely' as const }]]), false, 62_000);
  expect(taken(followed, 5000)).toBe(5000);
});

test('as long as something is only suspected all are followed for a minute of each half hour', () => {
  const followed = new Followed(0);
  taken(followed, 10_000);
  followed.found(new Map([['orders.js:7', { certainty: 'suspect' as const }]]), true, 0);
  const minutes = Array.from({ length: 61 }, (_, minute) => {
    followed.grant(minute * 60_000);
    followed.found(new Map(), true, minute * 60_000);
    return taken(followed, 8000) === 8000;
  });
  expect(minutes.flatMap((isWhole, minute) => (isWhole ? [minute] : []))).toEqual([0, 30, 60]);
});

test('a request that is not followed is in no scope, whatever it was called in', () => {
  const scopes = new Scopes('on');
  const before = scopes.begin('GET /orders', 'request');
  scopes.enter(before);
  expect(scopes.current()).toBe(before);
  scopes.pass();
  expect(scopes.current()).toBeNull();
  expect(scopes.totals.get('(not followed)')).toMatchObject({ began: 1, ended: 1 });
});
