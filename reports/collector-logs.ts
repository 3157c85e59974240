/**
 * Findings from the logs that an OpenTelemetry collector kept, as its file exporter writes them: OTLP in JSON, a request
 * a line. One recording a process, with what the log records say: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 *
 * They tell what was found, and of what was looked at nothing: no report that stands on them alone is ever clean.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import { isObject } from '../probe/recording/check.ts';
import {
  CERTAINTIES,
  DETECTORS,
  emptyRecording,
  type Frame,
  KINDS,
  type ProcessLine,
  RECORDING_SCHEMA,
  type RecordedFinding,
  type Recording,
} from '../probe/recording/format.ts';
import { readLines } from '../probe/recording/lines.ts';
import { NATURE_NAMES, NATURES, type NatureName } from '../probe/recording/natures.ts';
import type { Run } from '../probe/recording/reader.ts';
import { UserError } from '../user-error.ts';

const FOUND = 'outlive.finding';
const WITHDRAWN = 'outlive.finding.withdrawn';
const LITTLE = {
  what: 'all that is no finding',
  why: 'The logs of a collector have findings alone: of what was looked at besides they say nothing.',
};

/** What stays the same while more becomes known of a finding. */
const KEY = [
  ...['outlive.kind', 'outlive.nature', 'outlive.library', 'db.client.connection.pool.name'],
  ...['code.file.path', 'code.line.number', 'code.column.number'],
];

type Value = string | number | boolean | Value[] | undefined;
type Attributes = ReadonlyMap<string, Value>;
interface LogRecord {
  eventName: string;
  /** Milliseconds since 1970. */
  atMs: number;
  attributes: Attributes;
  traceId: string;
  spanId: string;
}

/** A run is a folder; logs are a file. */
export function isFile(where: string): boolean {
  return statSync(where, { throwIfNoEntry: false })?.isFile() === true;
}

/** Throws `UserError` when no finding is in it. */
export function readCollectorLogs(file: string): Run {
  const byProcess = new Map<string, Recording>();
  let records = 0;
  const unreadable = readLines(file, isRequest, ({ resourceLogs }) => {
    for (const { resource, scopeLogs } of listOf(resourceLogs)) {
      const logs = listOf(scopeLogs).flatMap(({ logRecords }) => listOf(logRecords).map(recordOf));
      records += logs.length;
      const own = logs.filter(({ eventName }) => eventName === FOUND || eventName === WITHDRAWN);
      if (own.length > 0)
        fold(recordingOf(attributesOf(isObject(resource) ? resource : {}), byProcess, own), own, file);
    }
    return true;
  });
  if (records === 0) {
    throw new UserError(
      `${file} is neither the folder of a run nor what an OpenTelemetry collector keeps of logs (OTLP in JSON).`,
    );
  }
  const recordings = [...byProcess.values()];
  if (recordings.length === 0)
    throw new UserError(`${file} has ${records} log record${records === 1 ? '' : 's'}, and no finding of outlive.`);
  return { recordings, databases: [], problems: unreadable === null ? [] : [unreadable] };
}

function isRequest(line: unknown): line is { resourceLogs: unknown } {
  return isObject(line) && Array.isArray(line.resourceLogs);
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function recordOf(record: Record<string, unknown>): LogRecord {
  const { eventName, timeUnixNano, observedTimeUnixNano, traceId, spanId } = record;
  const attributes = attributesOf(record);
  return {
    // collectors before 0.123 have it among the attributes
    eventName: String(eventName || attributes.get('event.name') || ''),
    atMs: Math.floor(Number(timeUnixNano || observedTimeUnixNano || 0) / 1e6) || 0,
    attributes,
    traceId: String(traceId ?? ''),
    spanId: String(spanId ?? ''),
  };
}

function attributesOf({ attributes }: Record<string, unknown>): Attributes {
  return new Map(listOf(attributes).map(({ key, value }) => [String(key), anyValue(value)]));
}

function anyValue(value: unknown): Value {
  if (!isObject(value)) return undefined;
  const { stringValue, intValue, doubleValue, boolValue, arrayValue } = value;
  if (isObject(arrayValue)) return listOf(arrayValue.values).map(anyValue);
  // 64-bit numbers are text
  if (intValue !== undefined) return Number(intValue);
  return (stringValue ?? doubleValue ?? boolValue) as Value;
}

/** The process that a resource stands for, by whatever tells it from others. */
function recordingOf(resource: Attributes, known: Map<string, Recording>, logs: readonly LogRecord[]): Recording {
  const text = (key: string): string => String(resource.get(key) ?? '');
  const pid = Number(resource.get('process.pid')) || 0;
  const [service, host] = [text('service.name'), text('host.name') || text('k8s.pod.name') || text('container.id')];
  const key = [service, text('service.instance.id'), host, pid].join('\0');
  const before = known.get(key);
  if (before) return before;
  const version = text('service.version');
  const process: ProcessLine = {
    ...{ t: 'process', schema: RECORDING_SCHEMA, pid, parent: 0, thread: 0, host },
    ...{ node: text('process.runtime.version') || 'unknown', argv: [service || 'a service'], cwd: '/', settings: {} },
    startedMs: Math.min(...logs.map(({ atMs }) => atMs)),
    ...(version && { release: version }),
  };
  // how it ended is in no log: as far as they go it runs
  const end = { t: 'end', at: 0, end: 'running', code: 0 } as const;
  const recording: Recording = { ...emptyRecording('', process), unseen: [LITTLE], end };
  known.set(key, recording);
  return recording;
}

function fold(recording: Recording, logs: readonly LogRecord[], file: string): void {
  recording.file ||= path.resolve(file);
  for (const log of logs) {
    const { attributes, eventName } = log;
    const key = KEY.map((name) => attributes.get(name)).join('\0');
    const at = Math.max(0, log.atMs - recording.process.startedMs);
    recording.lastAt = Math.max(recording.lastAt, at);
    const finding = findingOf(log, recording);
    if (finding === null) continue;
    if (eventName === FOUND) recording.findings.set(key, { at: recording.findings.get(key)?.at ?? at, finding });
    else if (recording.findings.delete(key)) recording.withdrawn.push({ at, finding, why: 'It came back.' });
  }
}

/** Null when the record lacks what makes a finding. */
function findingOf({ attributes, traceId, spanId }: LogRecord, recording: Recording): RecordedFinding | null {
  const word = <T extends string>(key: string, allowed: readonly T[]): T | undefined =>
    allowed.find((each) => each === attributes.get(key));
  const kind = word('outlive.kind', KINDS);
  const detector = word('outlive.detector', DETECTORS);
  const certainty = word('outlive.certainty', CERTAINTIES);
  if (!kind || !detector || !certainty) return null;
  const ofKind = (name: NatureName): boolean => NATURES[name].kind === kind;
  const nature = word('outlive.nature', NATURE_NAMES) ?? NATURE_NAMES.find(ofKind);
  if (!nature) return null;
  const count = (name: string): number => Number(attributes.get(`outlive.${name}`)) || 0;
  const evidence = attributes.get('outlive.evidence');
  const pool = attributes.get('db.client.connection.pool.name');
  const site = siteOf(attributes, recording);
  return {
    ...{ kind, nature, detector, certainty, count: count('count'), acquired: count('acquired') },
    ...{ released: count('released'), estimated: false, library: String(attributes.get('outlive.library') ?? '') },
    ...{ pool: pool === undefined ? null : String(pool), site, frame: 0 },
    siteUnknown: site < 0 ? 'The log record names no line.' : null,
    evidence: Array.isArray(evidence) ? evidence.map(String) : [],
    ...{ exhausted: null, holders: [], scopes: [] },
    ...(traceId && { traces: [{ traceId, spanId, traceFlags: 1 }] }),
  };
}

/** Its line is all that is known of a stack; -1: not even that. */
function siteOf(attributes: Attributes, { sites }: Recording): number {
  const file = attributes.get('code.file.path');
  if (file === undefined) return -1;
  const frame: Frame = {
    file: String(file),
    line: Number(attributes.get('code.line.number')) || 0,
    column: Number(attributes.get('code.column.number')) || 0,
    function: String(attributes.get('code.function.name') ?? ''),
    user: true,
  };
  const known = [...sites].find(
    ([, [top]]) => top?.file === frame.file && top.line === frame.line && top.column === frame.column,
  );
  if (known) return known[0];
  sites.set(sites.size, [frame]);
  return sites.size - 1;
}
