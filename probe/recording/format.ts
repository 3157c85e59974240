/**
 * The recording: all that passes from a probed process to the reports.
 *
 * One append-only JSON-lines file per process and thread, `<pid>-<thread>-<start>.jsonl`, in the run's folder.
 * Every line is one of the shapes below; `t` tells which. Times (`at`) are milliseconds since the process line's
 * `startedMs`. A reader skips what it does not know and a torn last line; later lines win over earlier ones.
 */

import type { NatureName } from './natures.ts';
import type { ReachReport } from './reach.ts';

export const RECORDING_SCHEMA = 'outlive.recording/1';

/** What a resource is. Fixed: other programs rely on these names. */
export const KINDS = [
  'connection',
  'timer',
  'socket',
  'server',
  'worker',
  'port',
  'child-process',
  'watcher',
  'listener',
  'stream',
  'context',
  'promise',
  'memory',
] as const;
export type Kind = (typeof KINDS)[number];

/** Why a pool ran out: the remedies are opposite. */
export const CAUSES = ['leak', 'waiting elsewhere', 'slow database', 'storm', 'too small', 'deadlock'] as const;
export type Cause = (typeof CAUSES)[number];

/** A pool that ran out, at the moment that tells most. */
export interface Exhausted {
  cause: Cause;
  used: number;
  /** 0: unknown. */
  limit: number;
  waiting: number;
}

export const DETECTORS = [
  'collected',
  'unreachable',
  'outlived-scope',
  'flow-ended',
  'superseded',
  'growth',
  'fail-path',
  'replicas',
  'keeps-alive',
  'held-too-long',
  'hold-and-wait',
  'pool-exhausted',
] as const;
export type Detector = (typeof DETECTORS)[number];

/** Of a span of the service, hexadecimal. */
export interface TraceContext {
  traceId: string;
  spanId: string;
  traceFlags: number;
}

/** Strongest first: findings are sorted in this order. */
export const CERTAINTIES = ['proven', 'likely', 'suspect'] as const;
export type Certainty = (typeof CERTAINTIES)[number];

/** One frame of a site's stack, outermost caller last. `user` is false for dependencies and Node's own code. */
export interface Frame {
  file: string;
  line: number;
  column: number;
  function: string;
  user: boolean;
}

/** First line of every file: whose recording this is. */
export interface ProcessLine {
  t: 'process';
  schema: typeof RECORDING_SCHEMA;
  pid: number;
  /** pid of the probed process that started this one; 0 for the outermost. */
  parent: number;
  /** 0 for the main thread. */
  thread: number;
  host: string;
  node: string;
  argv: string[];
  cwd: string;
  /** Wall clock, milliseconds since 1970; the zero of every `at`. */
  startedMs: number;
  /** True: the probe was attached while it ran, at `startedMs`. */
  late?: boolean;
  /** Of the service: `OUTLIVE_RELEASE`, or the version of its package. */
  release?: string;
  /** Bytes of V8's heap before it gives up. */
  heapLimit?: number;
  settings: Record<string, string | number | boolean>;
}

/** An adapter took hold of a library: `pg 8.23.1`. */
export interface AdapterLine {
  t: 'adapter';
  name: string;
}

/** A detector or adapter that cannot work here, and why: `flow-ended: Node 20`. */
export interface UnsupportedLine {
  t: 'unsupported';
  what: string;
}

/** What was there and was not watched, or not wholly, and why in one plain sentence. */
export interface Unseen {
  what: string;
  why: string;
}

export interface UnseenLine extends Unseen {
  t: 'unseen';
}

/** A child process or worker thread that this process started, which should have a recording of its own. */
export interface StartedLine {
  t: 'started';
  at: number;
  pid: number;
  /** 0 for a child process. */
  thread: number;
  /** Its command line; of a thread only its script, if it has one. */
  argv: string[];
}

export interface SiteLine {
  t: 'site';
  id: number;
  stack: Frame[];
}

/** Source around a site; secrets are masked, and long lines are cut. */
export interface Excerpt {
  /** Line number of `lines[0]`. */
  first: number;
  lines: string[];
  /** Where the call stands in its line as shown, counted from 1. */
  column: number;
}

/** What makes a place in a source known again, and can be shown of it. */
export interface Place {
  /** `package/path/in/it.js`, or the file's own name. */
  module: string;
  /** How many lines before it have the same text. */
  ordinal: number;
  /** Null when the source was not there. */
  excerpt: Excerpt | null;
  /** The file's text is not what ran: the position is one of compiled code. */
  isCompiled: boolean;
}

/** The code at a finding's site, or at a holder's: file, line and column are those of the source that people read. */
export interface SourceLine extends Place {
  t: 'source';
  file: string;
  line: number;
  column: number;
}

export interface PoolLine {
  t: 'pool';
  id: number;
  /** `pg`, `generic-pool`… */
  library: string;
  name: string;
  /** 0: unlimited or unknown. */
  max: number;
}

/**
 * Of a pool at one moment: used, idle, pending; then totals since its first lease: leases that came back, milliseconds
 * that were waited for them (and in vain), milliseconds that they were held.
 */
export type PoolSample = [
  id: number,
  used: number,
  idle: number,
  pending: number,
  released?: number,
  waitedMs?: number,
  heldMs?: number,
];

/** Gauges, about once a second; old ones are thinned. */
export interface SampleLine {
  t: 'sample';
  at: number;
  pools: PoolSample[];
  /** Open resources by kind; leases count as `connection`. */
  open: Partial<Record<Kind, number>>;
  /** Bytes. */
  heapUsed: number;
  rss: number;
  nativeContexts: number;
  /** Worst event-loop delay since the last sample, milliseconds. */
  loopDelay: number;
}

/** A major garbage collection has just ended: what is left on the heap is in use. */
export interface GcLine {
  t: 'gc';
  at: number;
  /** Bytes. */
  heapUsed: number;
}

/** The end of a soak's round, at rest and right after a garbage collection: comparable with the other rounds. */
export interface RoundLine {
  t: 'round';
  at: number;
  /** 0: the warm-up. */
  round: number;
  open: Partial<Record<Kind, number>>;
  /** Of these, what somebody has to give back. */
  owed: Partial<Record<Kind, number>>;
  /** Node's own handles that keep the event loop alive; of sockets, those that are no watched pool's. */
  handles: Partial<Record<Kind, number>>;
  /** Of the whole process; null where nobody tells. */
  threads: number | null;
  /** That stand. */
  findings: number;
  /** Whether a collection came right before: without one, heap and contexts say nothing. */
  isCollected: boolean;
  /** Bytes; `external`: held by objects of the heap outside of it, buffers above all. */
  heapUsed: number;
  external: number;
  rss: number;
  nativeContexts: number;
}

/** When the heap will be full at this rate; written once, and never changed. */
export interface ForecastLine {
  t: 'forecast';
  at: number;
  /** After which round it was told. */
  round: number;
  /** The first round that finds no room. */
  fullAt: number;
  /** Bytes that each round adds to the heap. */
  each: number;
}

/** A job run (`scope(name, fn)`) that ended. Requests are only counted, see ScopesLine. */
export interface RunLine {
  t: 'run';
  id: number;
  name: string;
  began: number;
  ended: number;
  /** Name of the error it failed with. */
  failedWith: string | null;
}

/** Totals per scope name since start; the latest line wins. */
export interface ScopesLine {
  t: 'scopes';
  at: number;
  scopes: { name: string; kind: 'job' | 'request'; began: number; ended: number; failed: number }[];
}

/** Totals per site since start, of those that changed; the latest of a site wins. */
export interface TotalsLine {
  t: 'totals';
  at: number;
  /** [site id or -1 when no stack was taken, kind, library, pool name or null, acquired, released] */
  sites: [site: number, kind: Kind, library: string, pool: string | null, acquired: number, released: number][];
}

/** What is known of a line of code that has something open, whether or not anything is found: what `--why` answers from. */
export interface OpenSite {
  /** Site id or -1, and the index of the frame that would be named. */
  site: number;
  frame: number;
  kind: Kind;
  library: string;
  acquired: number;
  released: number;
  open: number;
  /** Of the open ones. */
  busy: number;
  /** … taken outside any scope, and in scopes that have not ended. */
  unscoped: number;
  running: number;
  /** … whose flow is known to be gone, and whose flow is known to have gone on. */
  lost: number;
  leftBehind: number;
  /** … that do not keep the process alive. */
  unref: number;
  /** True: taken before the probe came. */
  before?: boolean;
  /** Of what must be given back: not used for far longer than any that came back was held; taken in the later half of
   * the process's life. */
  stale?: { count: number; late: number; nature: NatureName };
  /** What most of them were opened on: which of the lines it is; null for nothing. */
  owner: number | null;
  /** Since the oldest was opened, milliseconds. */
  oldestMs: number;
  /** Idle for the longest, milliseconds. */
  idleMs: number;
  /** History of all callers of the line. */
  uses: number;
  longestUseMs: number;
  inFlow: number;
  afterScope: number;
  /** Windows of work that growth has seen. */
  windows: number;
}

/** Lines of code with something open; the latest entry wins. */
export interface OpenSitesLine {
  t: 'lines';
  at: number;
  lines: OpenSite[];
}

/** What holds the event loop and no adapter knows, alike ones together. */
export interface OpenHandle {
  kind: Kind;
  /** Where it leads: `on port 3000`; null: not known. */
  about: string | null;
  count: number;
  /** True: there before the probe came. */
  before?: boolean;
}

/** The latest entry wins. */
export interface HandlesLine {
  t: 'handles';
  at: number;
  handles: OpenHandle[];
}

/** What a detector found, or now sees differently; same `key`, later line wins. */
export interface FindingLine {
  t: 'finding';
  at: number;
  key: string;
  finding: RecordedFinding;
}

/** The finding `key` no longer stands: what it named came back. */
export interface WithdrawnLine {
  t: 'withdrawn';
  at: number;
  key: string;
  why: string;
}

/** A trap of a library that the service fell into: no leak, but why something fails or hangs. */
export interface Notice {
  library: string;
  /** Null when it is of no pool, or not known of which. */
  pool: string | null;
  /** Which trap, as a slug. */
  name: string;
  /** How often it happened. */
  count: number;
  /** What happened, and what to do about it: one or two plain sentences each. */
  sentence: string;
  remedy: string;
}

/** Same `library`, `pool` and `name`: later line wins. */
export interface NoticeLine extends Notice {
  t: 'notice';
  at: number;
}

/**
 * Last line of a process that ended by itself; `running`: of one that the probe left, and that goes on. Its absence means
 * a signal, a kill or a process still running.
 */
export interface EndLine {
  t: 'end';
  at: number;
  end: 'exit' | 'crash' | 'signal' | 'running';
  code: number;
}

/** Written by who started the process, where it could not say how it ended. */
export interface DiedLine {
  t: 'died';
  signal: string;
}

/** The probe's own account, written with every flush; the latest wins. */
export interface CostLine {
  t: 'cost';
  at: number;
  cpuMs: number;
  /** Of the CPU time that the process used. */
  share: number;
  forcedGc: number;
  faults: number;
  dropped: Record<string, number>;
}

/** A connection of a pool at one moment: which one it is to the server, and who has it. */
export interface HeldConnection {
  /** Pool id. */
  pool: number;
  state: 'used' | 'idle';
  /** Site id or -1, and the index of the frame to name; of the lease, as the next three. */
  site: number;
  frame: number;
  /** Milliseconds since it was acquired and last used; null without a lease. */
  ageMs: number | null;
  idleMs: number | null;
  /** Null where the adapter cannot tell. */
  busy: boolean | null;
  /** Null where the socket is not known. */
  localAddress: string | null;
  localPort: number | null;
  /** `address:port` of the other end. */
  server: string | null;
  /** What the server calls it: PostgreSQL's backend, Oracle's CONNECTION_ID. */
  connectionId: string | null;
}

/** Who had which connection, about every five seconds: the key to the database's own recording. */
export interface HeldLine {
  t: 'held';
  at: number;
  connections: HeldConnection[];
  /** Connections beyond those listed. */
  omitted: number;
}

/** One line of JSON. What each type is like, and what it comes to, stands in entries.ts. */
export type Entry =
  | ProcessLine
  | AdapterLine
  | UnsupportedLine
  | UnseenLine
  | StartedLine
  | SiteLine
  | SourceLine
  | PoolLine
  | SampleLine
  | GcLine
  | RoundLine
  | ForecastLine
  | RunLine
  | ScopesLine
  | TotalsLine
  | OpenSitesLine
  | HandlesLine
  | HeldLine
  | FindingLine
  | WithdrawnLine
  | NoticeLine
  | EndLine
  | DiedLine
  | CostLine;

/** How a scope name's runs fared with one leaking site. */
export interface ScopeShare {
  name: string;
  ended: number;
  leaked: number;
  /** Set when every leaking run, and no other, failed with it. */
  failedWith: string | null;
}

/** Leases of one line that held a pool when it was exhausted. */
export interface RecordedHolder {
  site: number;
  frame: number;
  count: number;
  /** Milliseconds since the oldest was acquired, and since the one used longest ago was last used. */
  oldestMs: number;
  idleMs: number;
  /** How many had an operation under way; null where the adapter cannot tell. */
  busy: number | null;
}

/** A finding as the process knows it: positions as executed, before source maps, without what only the report adds. */
export interface RecordedFinding {
  kind: Kind;
  nature: NatureName;
  detector: Detector;
  certainty: Certainty;
  count: number;
  acquired: number;
  released: number;
  /** True when stacks were sampled, so that the three counts are scaled up. */
  estimated: boolean;
  library: string;
  pool: string | null;
  /** Site id, or -1 with `siteUnknown` saying why. */
  site: number;
  /** Index into the site's stack of the frame to blame. */
  frame: number;
  siteUnknown: string | null;
  /** True: taken before the probe came. */
  before?: boolean;
  evidence: string[];
  /** Where a session was given back with what is found: site id, and index of the frame to name. */
  back?: { site: number; frame: number };
  /** Of a whole pool that ran out; else null. */
  exhausted: Exhausted | null;
  /** Spans of the service that leases of it were acquired in, a few, where it traces. */
  traces?: TraceContext[];
  /** How many were destroyed, and their places given back to the pool. */
  healed?: number;
  holders: RecordedHolder[];
  scopes: ScopeShare[];
}

/** How many of something there were, from a moment on: the least and the most of them. */
export type Point = readonly [at: number, least: number, greatest: number];

/** One process's recording, read back. */
export interface Recording {
  file: string;
  process: ProcessLine;
  adapters: string[];
  unsupported: string[];
  unseen: Unseen[];
  started: StartedLine[];
  sites: Map<number, Frame[]>;
  /** By `file:line:column`. */
  places: Map<string, Place>;
  pools: Map<number, PoolLine>;
  /** Of a long run, stretches of time are two samples: the least and the greatest of each gauge. */
  samples: SampleLine[];
  collections: GcLine[];
  rounds: RoundLine[];
  forecast: ForecastLine | null;
  /** Of very many, the latest. */
  runs: RunLine[];
  scopes: ScopesLine['scopes'];
  totals: TotalsLine['sites'];
  /** How many were open over time, of each row of `totals`. */
  open: (readonly Point[])[];
  openSites: OpenSite[];
  handles: OpenHandle[];
  held: HeldLine[];
  /** Standing findings, by key; `at` is when each was first seen. */
  findings: Map<string, { at: number; finding: RecordedFinding }>;
  /** Findings that came back, oldest first; each key's latest. */
  withdrawn: { at: number; finding: RecordedFinding; why: string }[];
  /** By library, pool and name, in the order they were first told. */
  notices: Map<string, NoticeLine>;
  end: EndLine | null;
  /** By which signal, where only its parent could tell. */
  died: string | null;
  cost: CostLine | null;
  /** When the probe had faults of its own, and how many by then. */
  faults: { at: number; count: number }[];
  /** Milliseconds since start of the newest line. */
  lastAt: number;
  /** What could not be read, one plain sentence each. */
  problems: string[];
  /** What snapshots of its heap told. */
  reach: ReachReport | null;
}

export function emptyRecording(file: string, process: ProcessLine): Recording {
  return {
    file,
    process,
    adapters: [],
    unsupported: [],
    unseen: [],
    started: [],
    sites: new Map(),
    places: new Map(),
    pools: new Map(),
    samples: [],
    collections: [],
    rounds: [],
    forecast: null,
    runs: [],
    scopes: [],
    totals: [],
    open: [],
    openSites: [],
    handles: [],
    held: [],
    findings: new Map(),
    withdrawn: [],
    notices: new Map(),
    end: null,
    died: null,
    cost: null,
    faults: [],
    lastAt: 0,
    problems: [],
    reach: null,
  };
}
