/** Pool metrics, process gauges and findings by OpenTelemetry: what arrives at a real receiver. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Report } from '../probe/recording/report.ts';
import { METRICS } from '../probe/telemetry/instruments.ts';
import { startOracle } from './support/oracle.ts';
import {
  type Attribute,
  attributeOf,
  type LogRecord,
  type Metric,
  OtlpReceiver,
  type Span,
} from './support/otlp-receiver.ts';
import {
  CLI,
  FOLLOWS_FLOWS,
  fixture,
  lineOf,
  NODE,
  type Probed,
  probed,
  REGISTER,
  ROOT,
  readReport,
  start,
} from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const TRACED = fixture('traced.mjs');
/** The service is given time to set up an SDK of its own; work before that is only counted. */
const LATER = '3500';
const LEAK = lineOf(TRACED, '// leaks');
const POOL = conventions.ATTR_DB_CLIENT_CONNECTION_POOL_NAME;

/** As the conventions have them: https://opentelemetry.io/docs/specs/semconv/db/database-metrics/ */
const POOL_METRICS = [
  [conventions.METRIC_DB_CLIENT_CONNECTION_COUNT, '{connection}', 'sum'],
  [conventions.METRIC_DB_CLIENT_CONNECTION_IDLE_MAX, '{connection}', 'sum'],
  [conventions.METRIC_DB_CLIENT_CONNECTION_IDLE_MIN, '{connection}', 'sum'],
  [conventions.METRIC_DB_CLIENT_CONNECTION_LIMIT, '{connection}', 'sum'],
  [conventions.METRIC_DB_CLIENT_CONNECTION_PENDING_REQUESTS, '{request}', 'sum'],
  [conventions.METRIC_DB_CLIENT_CONNECTION_TIMEOUTS, '{timeout}', 'sum'],
  [conventions.METRIC_DB_CLIENT_CONNECTION_CREATE_TIME, 's', 'histogram'],
  [conventions.METRIC_DB_CLIENT_CONNECTION_WAIT_TIME, 's', 'histogram'],
  [conventions.METRIC_DB_CLIENT_CONNECTION_USE_TIME, 's', 'histogram'],
] as const;
const PROCESS_METRICS = [
  [conventions.METRIC_PROCESS_CPU_TIME, 's', 'sum'],
  [conventions.METRIC_PROCESS_MEMORY_USAGE, 'By', 'sum'],
  [conventions.METRIC_NODEJS_EVENTLOOP_DELAY_MAX, 's', 'gauge'],
  ['outlive.contexts', '{context}', 'sum'],
  ['outlive.resources', '{resource}', 'sum'],
  ['outlive.findings', '{finding}', 'sum'],
] as const;

const tellsSame = ({ kind, nature, detector, count, acquired, site }: Report['findings'][number]) => ({
  ...{ kind, nature, detector, count, acquired },
  place: `${site?.file}:${site?.line}`,
});
const isCertain = ({ eventName, severityText }: LogRecord) =>
  eventName === 'outlive.finding' && severityText === 'WARN';
/** At first it is no more than likely. */
const isProven = (record: LogRecord) =>
  isCertain(record) && attributeOf(record.attributes, 'outlive.certainty') === 'proven';

describe.each(['none', 'sdk'] as const)('of a service with an SDK of its own: %s', (way) => {
  let receiver: OtlpReceiver;
  let ended: Probed;
  beforeAll(async () => {
    using folder = temporaryFolder();
    receiver = await OtlpReceiver.start();
    const STOP = path.join(folder.path, 'stop');
    receiver.onTaken = () => {
      const [used] = receiver.points('db.client.connection.use_time');
      if (used?.count === 30 && receiver.logs.some(isProven)) writeFileSync(STOP, '');
    };
    ended = await probed(TRACED, [way, LATER], { env: { ...receiver.env, STOP } });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    // the exporting thread is not the service's
    expect(ended.report.processes).toHaveLength(1);
    expect(ended.report.processes[0]).toMatchObject({ faults: 0 });
    expect(unsupported(ended.report)).toEqual([]);
  });
  afterAll(() => receiver[Symbol.asyncDispose]());

  test.each([...POOL_METRICS, ...PROCESS_METRICS])('%s in %s, as a %s', (name, unit, kind) => {
    const metric = receiver.metrics.get(name) as Metric;
    expect(metric).toMatchObject({ name, unit });
    expect(metric[kind]).toBeDefined();
    expect(METRICS).toContain(name);
  });

  test('the numbers are those of the pool', () => {
    const count = (name: string, state?: string) =>
      receiver
        .points(name)
        .find(({ attributes: of }) => !state || attributeOf(of, conventions.ATTR_DB_CLIENT_CONNECTION_STATE) === state);
    expect(Number(count('db.client.connection.count', 'used')?.asInt)).toBe(10);
    expect(Number(count('db.client.connection.limit')?.asInt)).toBe(40);
    expect(Number(count('db.client.connection.idle.min')?.asInt)).toBe(1);
    expect(count('db.client.connection.use_time')).toMatchObject({ count: 30 });
    expect(count('db.client.connection.wait_time')).toMatchObject({ count: 40 });
    const created = count('db.client.connection.create_time');
    expect(created?.count).toBeGreaterThanOrEqual(9);
    expect((created?.sum ?? 0) / (created?.count ?? 1)).toBeGreaterThanOrEqual(0.005);
    expect(created?.explicitBounds).toContain(0.005);
    for (const [name] of POOL_METRICS) {
      for (const { attributes } of receiver.points(name)) expect(attributeOf(attributes, POOL)).toBe('generic-pool #1');
    }
  });

  test('the finding is a log record, with its line and evidence', () => {
    const record = receiver.logs.filter(isCertain).at(-1);
    expect(record?.body.stringValue).toContain(LEAK);
    const { attributes = [] } = record ?? {};
    expect(attributeOf(attributes, conventions.ATTR_CODE_FILE_PATH)).toBe(TRACED);
    expect(`${TRACED}:${attributeOf(attributes, conventions.ATTR_CODE_LINE_NUMBER)}`).toBe(LEAK);
    expect(attributeOf(attributes, 'outlive.certainty')).toBe('proven');
  });

  test('the logs that the collector kept are a report, which is never clean', async () => {
    using folder = temporaryFolder();
    const logs = path.join(folder.path, 'logs.jsonl');
    writeFileSync(logs, `${receiver.kept.join('\n')}\n`);
    const { stdout, stderr, code } = await start(NODE, [CLI, 'report', logs, '--json', '--fail-on', 'likely']);
    expect([code, stderr]).toEqual([1, '']);
    const { findings, unseen, processes } = JSON.parse(stdout) as Report;
    const known = ended.report.findings.filter(({ certainty }) => certainty === 'proven');
    expect(findings.filter(({ certainty }) => certainty === 'proven').map(tellsSame)).toEqual(known.map(tellsSame));
    expect(unseen).toMatchObject([{ what: 'all that is no finding' }]);
    // how the process ended no log says
    expect(processes).toMatchObject([{ end: 'running', ended: null }]);
  });

  test('the resource is the service', () => {
    const names = receiver.resources.map((resource: Attribute[]) =>
      attributeOf(resource, conventions.ATTR_SERVICE_NAME),
    );
    expect(new Set(names)).toEqual(new Set(['orders']));
  });

  if (way === 'none') return;

  test('the finding, in report and log, leads to traces of the leaking work', () => {
    const { leaking } = JSON.parse(ended.stdout) as { leaking: string[] };
    const traces = ended.report.findings[0]?.traces ?? [];
    expect(traces.length).toBeGreaterThan(0);
    expect(leaking).toEqual(expect.arrayContaining(traces.map(({ traceId }) => traceId)));
    const record = receiver.logs.filter(isCertain).at(-1);
    expect(leaking).toContain(record?.traceId);
    expect(record?.spanId).toMatch(/^[0-9a-f]{16}$/);
  });
});

test('where it is asked for, each lease is a span of its trace, up to its release or to the finding', async () => {
  using folder = temporaryFolder();
  await using receiver = await OtlpReceiver.start();
  const STOP = path.join(folder.path, 'stop');
  const isOpen = ({ attributes }: Span) => attributeOf(attributes, 'outlive.open') === true;
  receiver.onTaken = () => {
    if (receiver.spans.filter(isOpen).length === 10) writeFileSync(STOP, '');
  };
  const env = { ...receiver.env, OUTLIVE_SPANS: '1', OTEL_BSP_SCHEDULE_DELAY: '200', STOP };
  const { stdout } = await probed(TRACED, ['sdk', '1500'], { env });
  const { leaking } = JSON.parse(stdout) as { leaking: string[] };
  expect(receiver.spans).toHaveLength(40);
  expect(
    receiver.spans
      .filter(isOpen)
      .map(({ traceId }) => traceId)
      .sort(),
  ).toEqual(leaking.sort());
  for (const { name, attributes, events, startTimeUnixNano: start, endTimeUnixNano: end } of receiver.spans) {
    expect(name).toBe('lease generic-pool #1');
    expect(`${TRACED}:${attributeOf(attributes, conventions.ATTR_CODE_LINE_NUMBER)}`).toBe(LEAK);
    expect(events.map((event) => event.name)).toEqual(['last use']);
    expect(BigInt(end) - BigInt(start)).toBeGreaterThan(1_000_000n);
  }
});

test('a pool of oracledb tells how long its logons took, and how many idle sessions it keeps', async () => {
  const oracle = await startOracle();
  using folder = temporaryFolder();
  await using receiver = await OtlpReceiver.start();
  const STOP = path.join(folder.path, 'stop');
  receiver.onTaken = () => {
    const [created] = receiver.points('db.client.connection.create_time');
    if (created?.count === 3) writeFileSync(STOP, '');
  };
  const env = { ...oracle.env, ...receiver.env, STOP };
  expect(await probed(fixture('oracledb-pool.mjs'), [], { env })).toMatchObject({ code: 0, stderr: '' });
  await oracle.stop();
  const [created] = receiver.points('db.client.connection.create_time');
  expect(attributeOf(created?.attributes ?? [], POOL)).toBe('orders');
  expect(created?.sum).toBeGreaterThan(0.001);
  expect(Number(receiver.points('db.client.connection.idle.min')[0]?.asInt)).toBe(1);
  expect(Number(receiver.points('db.client.connection.idle.max')[0]?.asInt)).toBe(3);
});

describe('nothing of it reaches the service', () => {
  const bare = (env: Record<string, string>) => start(NODE, [TRACED, 'none'], { env });
  const watched = (env: Record<string, string>, out: string) =>
    start(NODE, ['--require', REGISTER, TRACED, 'none'], {
      env: { OUTLIVE_OUT: out, OUTLIVE_TELEMETRY: 'on', ...env },
    });

  test.each([500, 'hang'] as const)('when the collector answers with %s', async (answer) => {
    using folder = temporaryFolder();
    await using receiver = await OtlpReceiver.start(answer);
    const [without, withProbe] = await Promise.all([bare(receiver.env), watched(receiver.env, folder.path)]);
    expect(withProbe).toEqual(without);
  });

  test('when there is no collector', async () => {
    using folder = temporaryFolder();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_METRIC_EXPORT_INTERVAL: '500' };
    const [without, withProbe] = await Promise.all([bare(env), watched(env, folder.path)]);
    expect(withProbe).toEqual(without);
  });

  test('when it is turned off', async () => {
    using folder = temporaryFolder();
    await using receiver = await OtlpReceiver.start();
    await watched({ ...receiver.env, OUTLIVE_TELEMETRY: 'off' }, folder.path);
    expect([receiver.metrics.size, receiver.logs.length]).toEqual([0, 0]);
  });

  test('an SDK that fails in its thread is told, and not started again each second', async () => {
    using folder = temporaryFolder();
    const sdk = path.join(folder.path, 'node_modules/@opentelemetry/sdk-node');
    mkdirSync(sdk, { recursive: true });
    const starts = path.join(folder.path, 'starts');
    const failing = `require('node:fs').appendFileSync(${JSON.stringify(starts)}, 'x'); setTimeout(() => { throw new Error(); })`;
    writeFileSync(path.join(sdk, 'index.js'), failing);
    const program = path.join(folder.path, 'alone.cjs');
    writeFileSync(program, 'setTimeout(() => {}, 3500)');
    const out = path.join(folder.path, 'out');
    const env = { OUTLIVE_OUT: out, OUTLIVE_TELEMETRY: 'on' };
    await start(NODE, ['--require', REGISTER, program], { env, cwd: folder.path });
    expect(readFileSync(starts, 'utf8')).toBe('x');
    expect(unsupported(readReport(out))).toEqual([
      'telemetry: the thread that exports has failed; nothing is exported any more',
    ]);
  });

  test('an endpoint without an installed SDK is told by the report', async () => {
    using folder = temporaryFolder();
    const program = path.join(folder.path, 'alone.cjs');
    writeFileSync(program, 'setTimeout(() => {}, 100)');
    const out = path.join(folder.path, 'out');
    const env = { OUTLIVE_OUT: out, OUTLIVE_TELEMETRY: 'on' };
    await start(NODE, ['--require', REGISTER, program], { env, cwd: folder.path });
    expect(unsupported(readReport(out))).toEqual([
      'telemetry: no OpenTelemetry SDK is registered, and @opentelemetry/sdk-node is not installed',
    ]);
  });
});

/** What was not supported, but for what older lines of Node.js cannot do. */
function unsupported({ processes: [process] }: Report): string[] {
  return (process?.unsupported ?? []).filter((what) => FOLLOWS_FLOWS || !/: Node \d+ \(/.test(what));
}

describe('dashboard and alert rules', () => {
  const folder = path.join(ROOT, 'docs/telemetry');
  const alerts = readFileSync(path.join(folder, 'prometheus-alerts.yml'), 'utf8');
  const dashboard = readFileSync(path.join(folder, 'grafana-dashboard.json'), 'utf8');

  /** As Prometheus calls a metric that it gets by OTLP: dots are underscores, the unit and `_total` come behind. */
  const SUFFIXES: Record<string, string> = { time: '_seconds', max: '_seconds', usage: '_bytes', used: '_bytes' };
  const prometheusNames = METRICS.flatMap((name) => {
    const base = name.replaceAll('.', '_');
    const suffix = name === 'db.client.connection.max' ? '' : (SUFFIXES[name.split(/[._]/).at(-1) ?? ''] ?? '');
    if (/_time$/.test(name)) return ['bucket', 'sum', 'count'].map((part) => `${base}_seconds_${part}`);
    return [/\.(?:timeouts|time)$/.test(name) ? `${base}${suffix}_total` : `${base}${suffix}`];
  });
  const ATTRIBUTES = [
    'db_client_connection_pool_name',
    'db_client_connection_state',
    'outlive_certainty',
    'outlive_kind',
  ];

  test.each([
    [
      'alert rules',
      parse(alerts).groups.flatMap(({ rules }: { rules: { expr: string }[] }) => rules.map(({ expr }) => expr)),
    ],
    [
      'dashboard',
      [...JSON.stringify(JSON.parse(dashboard)).matchAll(/"expr":"((?:[^"\\]|\\.)*)"/g)].map(([, expr]) => expr),
    ],
  ])('%s ask only for metrics that are sent', (_, expressions: string[]) => {
    expect(expressions.length).toBeGreaterThan(4);
    const asked = expressions.flatMap((expr) => expr.match(/\b(?:db_client|process|nodejs|outlive)_\w+/g) ?? []);
    expect(asked.filter((name) => !prometheusNames.includes(name) && !ATTRIBUTES.includes(name))).toEqual([]);
  });

  test('each panel says what it shows, and none lies on another', () => {
    const { panels } = JSON.parse(dashboard) as {
      panels: { title: string; description: string; gridPos: Record<'x' | 'y' | 'w' | 'h', number> }[];
    };
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { title, description } of panels)
      expect([title, description]).toEqual([expect.stringMatching(/./), expect.stringMatching(/\.$/)]);
  });

  const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
  test.runIf(hasPromtool)('promtool accepts the rules', () => {
    execFileSync('promtool', ['check', 'rules', path.join(folder, 'prometheus-alerts.yml')]);
  });
});
