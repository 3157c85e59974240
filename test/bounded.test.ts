/** What never recurs, a pool, a name, an error, a path, a place in code, leaves no more than so much in the probe. */
import diagnosticsChannel from 'node:diagnostics_channel';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { queryObjects } from 'node:v8';
import { expect, test } from 'vitest';
import { Chain } from '../probe/account/chain.ts';
import { GonePools } from '../probe/account/gone-pools.ts';
import { Ledger, Resource } from '../probe/account/ledger.ts';
import { CountedScope, errorName, Scopes } from '../probe/account/scope.ts';
import { MAX_SITES } from '../probe/account/site.ts';
import type { Entry } from '../probe/recording/format.ts';
import { PoolNames } from '../probe/watch/pool-names.ts';
import { watchHttpServers } from '../probe/watch/scopes/http.ts';
import { Routes } from '../probe/watch/scopes/route.ts';
import { fixture, probed, watched } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/** Of a kind, as the probe tells apart. */
const MOST = { pools: 201, names: 501, requests: 1001 };

test('a program in which nothing recurs is counted whole, and told in so many rows', async () => {
  const [pools, names, paths, places] = [1200, 700, 700, MAX_SITES + 500];
  using folder = temporaryFolder();
  const { code, report } = await probed(fixture('ever-new.mjs'), [pools, names, paths, places].map(String), {
    out: folder.path,
    env: { OUTLIVE_MODE: 'soak', OUTLIVE_SCOPES: 'on' },
  });
  expect(code).toBe(0);
  expect(report.processes[0]?.faults).toBe(0);
  expect(watched(report, 'generic-pool')).toEqual({ acquired: pools + places, released: pools + places });

  const [name = ''] = readdirSync(folder.path).filter((file) => file.endsWith('.jsonl'));
  const text = readFileSync(path.join(folder.path, name), 'utf8');
  const entries = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Entry]));
  expect(entries.filter(({ t }) => t === 'site')).toHaveLength(MAX_SITES);
  expect(entries.filter(({ t }) => t === 'pool').length).toBeLessThanOrEqual(MOST.pools);
  const named = entries.flatMap((entry) => (entry.t === 'totals' ? entry.sites.flatMap((row) => row[3] ?? []) : []));
  expect(new Set(named).size).toBe(MOST.pools);
  expect(report.processes[0]?.unsupported).toContain(`stacks of new places: ${MAX_SITES} different ones were taken`);

  expect(report.scopes.length).toBeLessThanOrEqual(MOST.names);
  expect(report.scopes.reduce((sum, { began }) => sum + began, 0)).toBe(2 * names + paths + 20);
  expect(report.scopes).toContainEqual({ name: 'GET /orders', kind: 'request', began: 20, ended: 20, failed: 0 });
  expect(report.scopes).toContainEqual({ name: 'nightly', kind: 'job', began: names, ended: names, failed: 0 });
});

test('requests that are over, sent or cut off, are let go of though nobody looks for long', async () => {
  const scopes = new Scopes('on');
  const sweep = watchHttpServers(scopes, true, null);
  const [starts, finishes] = ['request.start', 'response.finish'].map((event) =>
    diagnosticsChannel.channel(`http.server.${event}`),
  );
  const before = queryObjects(CountedScope, { format: 'count' });
  for (let n = 0; n < 20_000; n++) {
    const response = { writableFinished: n % 10 !== 0, destroyed: true, statusCode: 200 };
    starts?.publish({ request: { method: 'GET', url: '/' }, response });
    if (response.writableFinished) finishes?.publish({ response });
  }
  // what a weak reference was made of stays for the rest of its job
  await new Promise(setImmediate);
  expect(queryObjects(CountedScope, { format: 'count' }) - before).toBeLessThanOrEqual(MOST.requests);
  sweep();
  scopes.stop();
  const [row] = scopes.totals.values();
  expect(row).toMatchObject({ began: 20_000, ended: 20_000, failedWith: new Map([['aborted', 2000]]) });
});

/** A ledger with the leases of pools, of which each has given back one, at one line. */
function ledgerOf(count: number, state: (n: number) => { used: number } | null) {
  const ledger = new Ledger();
  const names = new PoolNames();
  const site = { id: 0, stack: [], functions: [], isMapped: [], asyncFrom: 0, user: [] };
  const sources = Array.from({ length: count }, (_, n) => {
    const used = state(n);
    const pool = {
      ...{
        ...names.next('pg', null),
        max: 1,
        gauges: () => used && { idle: 0, pending: 0, ...used },
        leases: () => [],
      },
      ...{ waiting: new Chain<never>(), lastReleasedAt: 0, endingAt: 0, endedBy: null, exhaustions: [] },
      ...{ timeouts: 0, waitedInVain: 0, timeoutsJudged: 0 },
    };
    const source = ledger.source({ adapter: 'pg', nature: 'lease', library: 'pg', pool });
    const lease = new Resource(ledger.account(source, site), null, 1);
    ledger.open(lease);
    ledger.close(lease, n);
    return source;
  });
  const acquired = () =>
    [...ledger.sources].flatMap(({ accounts }) => [...accounts.values()]).reduce((sum, each) => sum + each.acquired, 0);
  return { ledger, sources, site, acquired };
}

test('pools that are gone, or have nothing any more, are one source, with their counts', () => {
  const { ledger, acquired } = ledgerOf(1000, (n) => (n % 2 ? null : { used: 0 }));
  const gone = new GonePools(ledger);
  gone.fold();
  expect(ledger.sources.size).toBe(MOST.pools);
  expect([...ledger.lines.values()].map(({ accounts }) => accounts.length)).toEqual([MOST.pools]);
  expect(acquired()).toBe(1000);
  const others = [...ledger.sources].find(({ pool }) => pool?.name === 'pg (others)');
  expect([...(others?.accounts.values() ?? [])].map(({ useTimes }) => useTimes.max)).toEqual([998]);
});

test('a pool that is used again after it had nothing is back in the ledger; one in use never leaves it', () => {
  const { ledger, sources, site, acquired } = ledgerOf(300, (n) => (n === 299 ? { used: 1 } : { used: 0 }));
  new GonePools(ledger).fold();
  expect(ledger.sources.has(sources[299]!)).toBe(true);
  expect(ledger.sources.has(sources[298]!)).toBe(false);
  ledger.open(new Resource(ledger.account(sources[298]!, site), null, 2));
  expect(ledger.sources.has(sources[298]!)).toBe(true);
  expect(acquired()).toBe(301);
});

test('of names that came once, those that come again take the place', () => {
  const scopes = new Scopes('off');
  const run = (name: string) => scopes.end(scopes.begin(name, 'request'), null);
  for (let n = 0; n < 2000; n++) run(`GET /scan-${n}`);
  const open = scopes.begin('GET /slow', 'request');
  for (let n = 0; n < 2000; n++) {
    run(`GET /other-${n}`);
    if (n % 100 === 0) run('GET /orders');
  }
  scopes.end(open, 'aborted');
  expect(scopes.totals.size).toBe(MOST.names);
  expect(scopes.totals.get('GET /orders')?.began).toBe(20);
  const totals = [...scopes.totals.values()];
  expect(totals.reduce((sum, { began }) => sum + began, 0)).toBe(4021);
  expect(totals.reduce((sum, { ended }) => sum + ended, 0)).toBe(4021);
  // its name gave way while it ran
  expect(open.name).toBe('(other)');
});

test('errors of one name are told apart as long as there are few', () => {
  const scopes = new Scopes('off');
  for (let n = 0; n < 1000; n++) scopes.end(scopes.begin('job', 'job'), `E_${n}`);
  const { failed, failedWith } = scopes.totals.get('job')!;
  expect([failed, failedWith.size, failedWith.get('(other)')]).toEqual([1000, 21, 980]);
});

test.each([
  [Object.assign(new Error('x'), { code: 'ECONNRESET' }), 'ECONNRESET'],
  [Object.assign(new Error('x'), { code: '23505' }), '23505'],
  [Object.assign(new Error('x'), { code: 'auth/user-not-found' }), 'auth/user-not-found'],
  [Object.assign(new Error('x'), { code: 'token 8aF3k <b>' }), 'Error'],
  [Object.assign(new TypeError('x'), { code: 'ERR_INVALID_ARG_TYPE' }), 'TypeError'],
  [Object.assign(new Error('x'), { name: 'no user bob:hunter2' }), 'Error'],
  ['hunter2', 'string'],
])('%s is told as %s', (error, name) => {
  expect(errorName(error)).toBe(name);
});

test.each([
  ['/orders/12?page=2', '/orders/:id'],
  ['/api/v2/order-items/getAll', '/api/v2/order-items/getAll'],
  ['/reset/hunter', '/reset/:id'],
  ['/invite/HUNTERabcdefgh', '/invite/:id'],
  ['/u/alice.hunter/HunterXYOnlyLetters', '/u/:id/:id'],
  ['/x/hunter2;jsessionid=9', '/x/:id'],
  ['/files/qwrtpsdfgh', '/files/:id'],
  ['/index.html', '/index.html'],
  ['/.well-known/acme', '/.well-known/acme'],
])('%s is the route %s', (url, route) => {
  expect(new Routes().of('GET', url)).toBe(`GET ${route}`);
});
