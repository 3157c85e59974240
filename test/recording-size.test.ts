/** A service runs for months: its recording must not fill the disk, and must not lose what matters. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { Chain } from '../probe/account/chain.ts';
import { Ledger, type Request, Resource } from '../probe/account/ledger.ts';
import { Scopes } from '../probe/account/scope.ts';
import { Sites } from '../probe/account/site.ts';
import { readSettings } from '../probe/process/settings.ts';
import { Recorder } from '../probe/record/recorder.ts';
import { SourceLines } from '../probe/record/source-lines.ts';
import type { OpenSite, RecordedFinding, Recording } from '../probe/recording/format.ts';
import { readRecording } from '../probe/recording/read-recording.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const clock = vi.hoisted(() => ({ at: 0 }));
vi.mock('../probe/process/runtime.ts', async (original) => ({ ...(await original<object>()), now: () => clock.at }));

/** Seconds. */
const SHIFT = 6 * 60 * 60;
const MEGABYTE = 1024 * 1024;
const SITES = 50;

const finding: RecordedFinding = {
  ...{ kind: 'connection', nature: 'lease', detector: 'growth', certainty: 'suspect', count: 1, acquired: 1 },
  ...{ released: 0, estimated: false, library: 'pg', pool: 'orders', site: 0, frame: 0, siteUnknown: null },
  ...{ evidence: ['It rises. '.repeat(40)], exhausted: null, holders: [], scopes: [] },
};
const line: OpenSite = {
  ...{ site: 0, frame: 0, kind: 'connection', library: 'pg', acquired: 1, released: 0, open: 1, busy: 0, unscoped: 0 },
  ...{ running: 0, lost: 0, leftBehind: 0, idleMs: 0, uses: 0, longestUseMs: 0, inFlow: 0, afterScope: 0, windows: 0 },
  ...{ unref: 0, owner: null, oldestMs: 0 },
};

/** A recorder of a service with fifty busy lines, as many routes, a pool, a trap it falls into, and a leak. */
function busyService(folder: string) {
  const { settings } = readSettings({});
  const ledger = new Ledger();
  const scopes = new Scopes('off');
  const sites = new Sites(() => true, ['/probe']);
  const recorder = new Recorder({
    ...{ folder, parent: 0, settings, ledger, sites, scopes },
    sourceLines: () => new SourceLines(sites),
  });
  const gauges = { used: 1, idle: 1, pending: 0 };
  const pool = {
    ...{ id: 1, name: 'orders', max: 10, gauges: () => gauges, leases: () => [], waiting: new Chain<Request>() },
    ...{
      lastReleasedAt: 0,
      endingAt: 0,
      endedBy: null,
      exhaustions: [],
      timeouts: 0,
      waitedInVain: 0,
      timeoutsJudged: 0,
    },
  };
  const source = ledger.source({ adapter: 'pg', nature: 'lease', library: 'pg', pool });
  const accounts = Array.from({ length: SITES }, (_, id) =>
    ledger.account(source, { id, stack: [], functions: [], isMapped: [], asyncFrom: 0, user: [] }),
  );
  const held = new Resource(accounts[0] as (typeof accounts)[0], null, 0);
  const peer = { localPort: 50_000, connectionId: '12345', state: 'used' as const };
  Object.assign(pool, { peers: () => Array.from({ length: 20 }, () => ({ resource: held, peer })) });
  const notice = { library: 'pg', pool: 'orders', name: 'trap', count: 0, sentence: 'It fell.', remedy: 'Do not.' };
  let count = 0;
  return {
    second(): void {
      clock.at += 1000;
      for (const account of accounts) ledger.pass(account);
      for (let route = 0; route < SITES; route++)
        scopes.end(scopes.begin(`GET /route-${'abcdef'[route % 6]}${route}`, 'request'), null);
      scopes.end(scopes.begin('job', 'job'), null);
      count++;
      notice.count++;
      const isSure = count > SHIFT / 2;
      const changed = new Map([
        ['leak', { ...finding, certainty: isSure ? 'likely' : 'suspect', count } as RecordedFinding],
      ]);
      if (count % 3600 === 0) changed.set(`hourly ${count}`, finding);
      const withdrawn =
        count % 3600 === 60 && count > 60
          ? [[`hourly ${count - 60}`, 'it was given back after all'] as [string, string]]
          : [];
      recorder.judgement({ changed, withdrawn, openSites: () => Array<OpenSite>(SITES).fill(line) }, false);
      recorder.sample(0);
      recorder.held(false);
      recorder.state([notice], { cpuMs: count, forcedGc: 0 }, false);
      recorder.flush();
    },
    seconds: () => count,
    end(): void {
      recorder.judgement({ changed: new Map(), withdrawn: [], openSites: () => [] }, true);
      recorder.state([], { cpuMs: count, forcedGc: 0 }, true);
      recorder.end('exit', 0);
    },
  };
}

test('the longer a run, the less each hour adds; no finding is lost, and the end says how everything stands', () => {
  using folder = temporaryFolder();
  const service = busyService(folder.path);
  const file = (): string => path.join(folder.path, readdirSync(folder.path)[0] as string);
  const megabytesAfter = (seconds: number): number => {
    while (service.seconds() < seconds) service.second();
    return statSync(file()).size / MEGABYTE;
  };
  const half = megabytesAfter(SHIFT / 2);
  const whole = megabytesAfter(SHIFT);
  expect(whole).toBeLessThan(45);
  // each kind of line adds at most half of its share
  expect(whole - half).toBeLessThan(10);

  // as a kill would leave it: what only grows is a thousandth of the run behind, and no kind of line has dried up
  const text = readFileSync(file(), 'utf8');
  for (const kind of ['sample', 'held', 'totals', 'scopes', 'lines', 'finding', 'notice', 'cost']) {
    const [newest = ''] = text.slice(text.lastIndexOf(`{"t":"${kind}"`)).split('\n', 1);
    expect.soft(JSON.parse(newest).at, kind).toBeGreaterThan(0.99 * SHIFT * 1000);
  }

  service.end();
  const ended = readRecording(file()) as Recording;
  expect(ended.withdrawn).toHaveLength(5);
  expect(ended.totals.map(([, , , , acquired]) => acquired)).toEqual(Array(SITES).fill(SHIFT));
  expect(ended.scopes.find(({ name }) => name === 'job')?.ended).toBe(SHIFT);
  expect(ended.findings.get('leak')?.finding).toMatchObject({ count: SHIFT, certainty: 'likely' });
  expect([...ended.notices.values()][0]?.count).toBe(SHIFT);
  expect(ended.cost?.cpuMs).toBe(SHIFT);
  // what is said again later is not missed
  expect(Object.keys(ended.cost?.dropped ?? {}).sort()).toEqual(['held', 'sample']);
});
