/** Recordings are followed while they are written: in a terminal, as lines of JSON, as a page. */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { screen } from '../live/screen.ts';
import { serveLive } from '../live/serve.ts';
import { Follower, growingIn, type View } from '../live/view.ts';
import { Tail } from '../probe/recording/tail.ts';
import { CLI, fixture, NODE, probed, REGISTER, start } from './support/probed.ts';
import { browser, ReportPage } from './support/report-page.ts';
import { makeFinding, makeRecording, makeReport } from './support/reports.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

/** Found at the first look, so that no program need live on for long. */
const SOON = { OUTLIVE_GRACE_MS: '200' };
const folder = temporaryFolder();
const recorded = path.join(folder.path, 'recorded');
beforeAll(async () => {
  await probed(fixture('generic-pool.mjs'), ['leak', '600'], { env: SOON, out: recorded });
});
const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  folder[Symbol.dispose]();
});

test.concurrent('a running process is followed by its pid: its pools, and a finding when it comes', async () => {
  const out = path.join(folder.path, 'running');
  const env = { ...process.env, ...SOON, OUTLIVE_OUT: out };
  const service = spawn(NODE, ['--require', REGISTER, fixture('stays.mjs')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(service);
  await new Promise((resolve) => service.stdout.once('data', resolve));
  const watch = spawn(NODE, [CLI, 'watch', String(service.pid), '--json', '--every', '100ms']);
  started.push(watch);
  let text = '';
  watch.stdout.setEncoding('utf8').on('data', (data) => (text += data));
  const views = () =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  const isTold = () => views().some((view) => view.new.length > 0) && views().at(-1).pools.length > 0;
  await until('the finding and its pool to be told', isTold);
  const view = views().at(-1);
  expect(view).toMatchObject({ processes: 1, running: 1, pools: [{ library: 'generic-pool', used: 4, max: 8 }] });
  // once
  expect(
    views().flatMap((each) => each.new.filter((finding: { certainty: string }) => finding.certainty === 'likely'))
      .length,
  ).toBeLessThanOrEqual(1);
  watch.kill('SIGINT');
  await new Promise((resolve) => watch.once('exit', resolve));
  expect(service.exitCode).toBe(null);
});

test.concurrent('what is no process under the probe is said, and so is a folder that is not there', async () => {
  const other = spawn(NODE, ['-e', 'setInterval(() => {}, 1000)']);
  started.push(other);
  const watch = (where: string) => start(NODE, [CLI, 'watch', where, '--once']);
  const [unwatched, none, noFolder] = await Promise.all([watch(String(other.pid)), watch('4194305'), watch('no/such')]);
  expect(unwatched).toMatchObject({
    code: 2,
    stderr: `outlive: Process ${other.pid} is not under the probe: outlive attach ${other.pid} asks it all the same.\n`,
  });
  expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('There is no process') });
  expect(noFolder).toMatchObject({ code: 2, stderr: 'outlive: There is no folder no/such.\n' });
});

const viewOf = (changes: Partial<View>): View => ({
  ...{ at: Date.UTC(2026, 10, 22, 14, 30), processes: 1, running: 1, pools: [], growing: [], recordings: [] },
  ...{ report: makeReport(), fresh: [], gone: [], ...changes },
});

test('a screen of 80 columns holds any names, and any number of pools and findings', () => {
  const pools = Array.from({ length: 30 }, (_, i) => ({
    ...{ pid: 4_194_304, library: 'generic-pool', name: `${'orders'.repeat(20)} ${i}`, used: 10, idle: 0 },
    ...{ pending: 99_999, max: 10 },
  }));
  const long = makeFinding({ site: { file: `/srv/${'deep/'.repeat(40)}a.ts`, line: 1, column: 1, function: 'f' } });
  const report = makeReport({ findings: Array.from({ length: 40 }, (_, i) => ({ ...long, id: String(i) })) });
  const lines = screen(viewOf({ pools, report }), { width: 80, height: 23, color: false });
  expect(lines.length).toBeLessThanOrEqual(23);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(lines.join('\n')).toMatch(/and 22 more pools[\s\S]*● proven[\s\S]*more findings$/);
});

test('what grows is the line of which there are more than there ever were at once before', () => {
  const points = (values: number[]) => values.map((value, i) => [i * 10_000, value, value + 1] as const);
  const recording = { ...makeRecording(), lastAt: 190_000 };
  recording.sites.set(1, [{ file: '/srv/shop/src/a.js', line: 3, column: 1, function: 'poll', user: true }]);
  recording.totals = [
    [1, 'timer', 'setInterval', null, 40, 0],
    [-1, 'connection', 'pg', 'orders', 900, 890],
  ];
  const rising = points(Array.from({ length: 20 }, (_, i) => 2 * i));
  const swinging = points(Array.from({ length: 20 }, (_, i) => (i % 4) * 5));
  recording.open = [rising, swinging];
  expect(growingIn([recording])).toMatchObject([{ kind: 'timer', site: { line: 3, function: 'poll' } }]);
});

test('a recording is read on where it ended, over torn lines, and anew when another takes its place', () => {
  const [name] = new Follower(recorded).look().recordings.map(({ file }) => file);
  const lines = readFileSync(name as string, 'utf8')
    .split('\n')
    .filter(Boolean);
  const file = path.join(folder.path, '1-0-1.jsonl');
  writeFileSync(file, '');
  const tail = new Tail(file);
  expect(tail.read()).toEqual({ recording: null, hasNews: false });
  for (const line of lines) {
    appendFileSync(file, line.slice(0, 20));
    tail.read();
    appendFileSync(file, `${line.slice(20)}\n`);
  }
  expect(tail.read().recording).toEqual({ ...new Tail(name as string).read().recording, file });
  expect(tail.read().hasNews).toBe(false);
  writeFileSync(file, `${lines[0]}\n`);
  expect(tail.read().recording?.findings.size).toBe(0);
});

describe.skipIf(!browser)('the page', () => {
  const page = new ReportPage();

  test('it renews itself, axe finds nothing wrong with it, and no other host’s page may read it', async () => {
    let view = viewOf({ report: makeReport({ findings: [], verdict: 'clean' }) });
    const { url, close } = await serveLive(() => view, '/srv/shop', 0);
    try {
      await page.visit(url);
      expect(await page.page.textContent('h1')).not.toContain('leak.');
      view = viewOf({
        pools: [{ pid: 1, library: 'pg', name: 'orders', used: 9, idle: 1, pending: 3, max: 10 }],
        growing: [{ kind: 'timer', library: 'setInterval', site: null, from: 1, to: 9, overMs: 60_000 }],
      });
      await page.page.clock.fastForward('00:02');
      await page.page.getByText('pg "orders"').waitFor();
      expect(await page.page.textContent('#news')).toContain('leak');
      expect(await page.complaints()).toEqual([]);
      expect(await statusOf(url, 'attacker.example')).toBe(404);
      expect(await statusOf(`${url}report`, new URL(url).host)).toBe(200);
    } finally {
      close();
    }
  });
});

function statusOf(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { host } }, (answer) => resolve(answer.resume().statusCode)).on('error', reject);
  });
}
