/** `report.json`: the merged result of a run. Its schema is published as `outlive/report.schema.json`. */
import type { DatabaseReport } from './database-report.ts';
import type {
  Certainty,
  Detector,
  Excerpt,
  Exhausted,
  Frame,
  Kind,
  Notice,
  ScopeShare,
  TraceContext,
  Unseen,
} from './format.ts';
import type { Load } from './load.ts';
import type { NatureName } from './natures.ts';
import type { Opinion } from './opinions.ts';
import type { Package } from './packages.ts';
import type { Spread } from './replicas.ts';

export const REPORT_SCHEMA = 'outlive.report/1';

export interface Site {
  file: string;
  line: number;
  column: number;
  function: string;
  /** True: the line may be one of compiled code, since the file's text is not what ran, and no source map was seen. */
  compiled?: boolean;
}

export interface Finding {
  /** Stable across machines and edits: of package-relative path, function, call text and ordinal. */
  id: string;
  kind: Kind;
  /** Which row of the table of natures. */
  nature: NatureName;
  detector: Detector;
  certainty: Certainty;
  /** Resources; of memory, megabytes. */
  count: number;
  acquired: number;
  released: number;
  estimated: boolean;
  library: string;
  pool: string | null;
  /** `library`: the blamed line is a dependency's, or calls one that is known to leak there. */
  origin: 'user' | 'library';
  /** The dependency whose code made it for the blamed line; none: that line did. */
  maker?: Package;
  /** The version of `maker` is known to leak there: since which one it does not, and what stays, in a sentence. */
  known?: { mended: string; what: string };
  site: Site | null;
  /** Why `site` is null. */
  siteUnknown: string | null;
  /** True: taken before outlive was attached, so that nobody knows where. */
  before?: boolean;
  stack: Frame[];
  /** Who calls the line's function, most left open first; empty when nobody is known. */
  callers: Caller[];
  evidence: string[];
  /** What holds them, in words, where a snapshot of the heap was read. */
  held: string[];
  /** Spans of the program that it was acquired in, a few, where the program traces. */
  traces?: TraceContext[];
  /** How many of them were destroyed and their places given back to the pool, where healing is on. */
  healed?: number;
  /** Of a whole pool that ran out; else null. */
  exhausted: Exhausted | null;
  /** … and who held it. */
  holders: { site: Site | null; count: number; oldestMs: number; idleMs: number; busy: number | null }[];
  scopes: ScopeShare[];
  /** Of a command that was run several times: in how many of the runs it was found; else null. */
  recurrence: { runs: number; of: number } | null;
  /**
   * Of a soak that made operations fail: which fault leaves it open, a test that shows it, and what came of the change
   * that was tried out with that test; else null.
   */
  recipe: { sentence: string; test: string | null; fix: string | null } | null;
  /** Source around the site, to the end of its block if that is near; `first` is the line number of `lines[0]`. */
  excerpt: Excerpt | null;
  /** Why there is no excerpt though the site is known; else null. */
  excerptUnknown?: string | null;
  /** Where several processes that ran the line were read: how many have it, and since which release. */
  spread?: Spread;
  /** The change as a unified diff, with paths relative to where the program was started; null where none is sure. */
  fix?: string | null;
}

/** What was acquired and released through a finding's line when called from here; only those with a stack count. */
export interface Caller {
  site: Site;
  acquired: number;
  released: number;
}

export interface ReportProcess {
  pid: number;
  parent: number;
  thread: number;
  host: string;
  node: string;
  argv: string[];
  /** ISO 8601. */
  started: string;
  /** True: the probe was attached while it ran; `started` is when. */
  late?: boolean;
  /** Of the program: `OUTLIVE_RELEASE`, or the version of its package; null: nobody says. */
  release: string | null;
  ended: string | null;
  end: 'exit' | 'signal' | 'crash' | 'running';
  /** `heap limit`, or the signal where it is known. */
  endedBy: string | null;
  /** Bytes that V8's heap may have; null: not known. */
  heapLimit: number | null;
  exitCode: number | null;
  adapters: string[];
  unsupported: string[];
  cost: { cpuMs: number; share: number; forcedGc: number };
  faults: number;
  /** Of a process that did not end by itself: what kept it alive when it was last looked at. */
  keptAliveBy?: Keeper[];
}

/** Something that is open, finding or not: all of one line together. */
export interface Open {
  kind: Kind;
  /** `node` where only Node itself knows of it. */
  library: string;
  count: number;
  /** Since the oldest was opened, milliseconds; null: not known. */
  oldestMs: number | null;
  /** Null where nobody knows the line. */
  site: Site | null;
  stack: Frame[];
  function: string | null;
  /** What it was opened on; that is a row before it. */
  owner: OpenOwner | null;
  /** What holds it, in words; null where no heap was looked at. */
  held: string[] | null;
  /** Where it leads, `to 10.0.0.1:5432`, as far as Node tells that. */
  about: string | null;
  /** True: there before outlive was attached. */
  before?: boolean;
}

export type OpenOwner = Pick<Open, 'kind' | 'library' | 'site'>;
export type Keeper = Pick<Open, 'kind' | 'library' | 'count' | 'site' | 'about'>;

/** A finding that no longer stands, because what it named came back or the pool recovered. */
export interface Withdrawn {
  kind: Kind;
  /** Which row of the table of natures. */
  nature: NatureName;
  detector: Detector;
  library: string;
  pool: string | null;
  site: Site | null;
  evidence: string[];
  why: string;
}

/** Work seen at all sites of one library and kind: what a clean verdict rests on. */
export interface Watched {
  kind: Kind;
  library: string;
  acquired: number;
  released: number;
}

export interface Alarm {
  name: 'steady-rise' | 'heap-forecast' | 'pool-near-limit' | 'wait-above-use';
  /** Of what: a pool's name, or the gauge. */
  subject: string;
  /** Null: of several processes, or of a database. */
  pid: number | null;
  sentence: string;
  /** When it is raised. */
  threshold: string;
}

/** Runs of one job, or requests of one route. */
export interface ScopeTotals {
  name: string;
  kind: 'job' | 'request';
  began: number;
  ended: number;
  failed: number;
}

export interface Report {
  schema: typeof REPORT_SCHEMA;
  /** `leak`: a finding is likely or proven; `suspect`: only suspects; `inconclusive`: none, but too little was seen. */
  verdict: 'leak' | 'suspect' | 'inconclusive' | 'clean';
  processes: ReportProcess[];
  findings: Finding[];
  withdrawn: Withdrawn[];
  watched: Watched[];
  /** All that was open at the end or when it was last looked at, most first. */
  open: Open[];
  /** What was there and was not watched, or not wholly: why nothing that was found may mean nothing. */
  unseen: Unseen[];
  /** Jobs and requests, most ended first. */
  scopes: ScopeTotals[];
  /** Traps of libraries that the service fell into; no leaks, and without effect on the verdict. */
  notices: Notice[];
  /** What a soak did to the service; null where nobody soaked it. */
  load: Load | null;
  /** What other tools said of the same program, where a soak asked them. */
  opinions?: Opinion[];
  /** What rose, came near its limit or made others wait; from samples, without effect on the verdict. */
  alarms?: Alarm[];
  /** Databases that were watched beside the run. */
  database?: { servers: DatabaseReport[] };
  settings: Record<string, string | number | boolean>;
  dropped: Record<string, number>;
  /** What was missing or unreadable, one plain sentence each. */
  problems: string[];
}
