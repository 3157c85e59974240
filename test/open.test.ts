/** The inventory: all that is open, by line, finding or not; and what kept a process from ending. */
import { describe, expect, test } from 'vitest';
import { buildReport } from '../probe/recording/build-report.ts';
import type { Frame, OpenSite } from '../probe/recording/format.ts';
import type { Open } from '../probe/recording/report.ts';
import { renderTerminal } from '../reports/terminal.ts';
import { CLI, fixture, lineOf, NODE, probed, readReport, start } from './support/probed.ts';
import { makeRecording } from './support/reports.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const program = fixture('still-open.cjs');
const brief = ({
  kind,
  library,
  count,
  site,
  about,
}: Omit<Open, 'stack' | 'function' | 'owner' | 'held' | 'oldestMs'>) => ({
  ...{ kind, library, count, about },
  line: site && `${site.file}:${site.line}`,
});

/** What the program made by its lines, and what no adapter knows, without standard streams and the pipes of the child. */
const expectedAt = (port: string) => [
  { kind: 'timer', library: 'setInterval', count: 2, about: null, line: lineOf(program, '// kept') },
  { kind: 'child-process', library: 'child_process', count: 1, about: null, line: lineOf(program, "spawn('sleep'") },
  { kind: 'server', library: 'net.Server', count: 1, about: null, line: lineOf(program, 'net.createServer(') },
  { kind: 'socket', library: 'net', count: 1, about: null, line: lineOf(program, 'net.connect(') },
  { kind: 'socket', library: 'node', count: 1, about: `accepted on port ${port}`, line: null },
];
const UNREFERENCED = {
  ...{ kind: 'timer', library: 'setInterval', count: 1, about: null },
  line: lineOf(program, '// keeps nobody'),
};
const portIn = (stdout: string): string => /port (\d+)/.exec(stdout)?.[1] ?? '';
const isSame = (rows: object[], expected: object[]) => {
  expect(rows).toEqual(expect.arrayContaining(expected));
  expect(rows).toHaveLength(expected.length);
};

test('what is open at the end is listed by line with its age, and what nobody watches by kind', async () => {
  const { report, stdout } = await probed(program, ['exit']);
  isSame(report.open.map(brief), [...expectedAt(portIn(stdout)), UNREFERENCED]);
  const [timers] = report.open;
  expect(timers).toMatchObject({ function: 'heartbeat', owner: null, held: null });
  expect(timers?.stack[0]).toMatchObject({ function: 'heartbeat', user: true });
  expect(timers?.oldestMs).toBeGreaterThan(0);
  expect(report.processes[0]?.keptAliveBy).toEqual([]);
});

test('a server and a connection that are closed when the process exits are not open', async () => {
  const { report } = await probed(fixture('ends-gently.mjs'));
  expect(report.open).toEqual([]);
});

describe('a process that did not end by itself', () => {
  test('is told with what kept it alive when it is stopped under run', async () => {
    using folder = temporaryFolder();
    const { stdout, stderr } = await stoppedOnceSeen(folder.path);
    const [{ keptAliveBy = [] } = {}] = readReport(folder.path).processes;
    isSame(keptAliveBy.map(brief), expectedAt(portIn(stdout)));
    expect(stderr.replace(/\s+/g, ' ')).toMatch(/It was kept alive by: setInterval at \S*still-open\.cjs:\d+ \(2\), /);
  });

  test('is told so when a soak stops it at its limit', async () => {
    using folder = temporaryFolder();
    const command = `node ${program} stay`;
    const args = ['soak', '--command', command, '--times', '1', '--limit', '3s', '--out', folder.path];
    const { stderr } = await start(NODE, [CLI, ...args]);
    expect(stderr.replace(/\s+/g, ' ')).toMatch(
      /was stopped\. It was kept alive by: setInterval at \S*still-open\.cjs:\d+ \(2\), child_process child process at \S*still-open\.cjs:\d+ \(1\), /,
    );
  });
});

/** The probe has written down what is open by the time that the shell finds it in the recording. */
function stoppedOnceSeen(out: string) {
  const has = (entry: string) => `grep -qs '"t":"${entry}"' ${out}/*.jsonl`;
  const script = `node ${program} stay & P=$!; until ${has('lines')} && ${has('handles')}; do sleep 0.1; done; kill $P; wait $P`;
  return start(NODE, [CLI, 'run', '--out', out, '--', 'sh', '-c', script]);
}

describe('rows', () => {
  const frame = (line: number): Frame => ({
    file: '/srv/shop/src/stock.ts',
    line,
    column: 3,
    function: 'read',
    user: true,
  });
  const row = (site: number, changes: Partial<OpenSite> = {}): OpenSite => ({
    ...{ site, frame: 0, kind: 'connection', library: 'oracledb', acquired: 9, released: 0, open: 1, busy: 0 },
    ...{ unscoped: 0, running: 0, lost: 0, leftBehind: 0, idleMs: 0, uses: 0, longestUseMs: 0, inFlow: 0 },
    ...{ afterScope: 0, windows: 0, unref: 0, owner: null, oldestMs: 5000, ...changes },
  });
  const recording = makeRecording();
  recording.sites = new Map([7, 8, 9].map((id) => [id, [frame(id)]]));
  recording.openSites = [row(7), row(8, { open: 3 }), row(9, { kind: 'stream', open: 2, owner: 0 })];

  test('of several processes are one row a line, and what was opened on another stands under it', () => {
    const { open } = buildReport([recording, recording]);
    expect(open.map(({ count, site, owner }) => [count, site?.line, owner?.site?.line])).toEqual([
      [6, 8, undefined],
      [2, 7, undefined],
      [4, 9, 7],
    ]);
  });

  test('tell no age of what was there before outlive came', () => {
    const attached = makeRecording();
    attached.openSites = [row(7, { before: true })];
    const text = renderTerminal(buildReport([attached]), { color: false });
    expect(text).toMatch(/still open 1 oracledb connection, from before outlive came\n/);
  });

  test('are told in a terminal, a few of them', () => {
    const text = renderTerminal(buildReport([recording]), { color: false });
    expect(text).toContain(`still open 3 oracledb connections, /srv/shop/src/stock.ts:8 read, oldest 5 s
           1 oracledb connection, /srv/shop/src/stock.ts:7 read, 5 s
           └ 2 oracledb streams, /srv/shop/src/stock.ts:9 read, oldest 5 s`);
  });
});
