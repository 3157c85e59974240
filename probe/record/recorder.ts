/** Writes down what the probe knows: once at the start, every second or sooner what is new, and a last time at the end. */

import path from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { resourceLimits, threadId } from 'node:worker_threads';
import type { Ledger, Source } from '../account/ledger.ts';
import { openByKind } from '../account/open-by-kind.ts';
import type { PoolState } from '../account/pool-state.ts';
import type { Scopes } from '../account/scope.ts';
import type { Sites } from '../account/site.ts';
import type { Judgement } from '../judge/judge.ts';
import { blindTo, guarded, lapseCount } from '../process/lapses.ts';
import { now, wallClock } from '../process/runtime.ts';
import type { Settings } from '../process/settings.ts';
import {
  type Certainty,
  type EndLine,
  type Entry,
  type HeldLine,
  type Notice,
  type OpenHandle,
  type PoolSample,
  RECORDING_SCHEMA,
  type RecordedFinding,
  type TotalsLine,
} from '../recording/format.ts';
import { hostName } from '../recording/host.ts';
import { isWhole, keyOf } from '../recording/kept-entries.ts';
import { mask, maskArguments } from '../recording/mask.ts';
import { Writer } from '../recording/writer.ts';
import { atRest } from './at-rest.ts';
import { heldConnections } from './connections-in-use.ts';
import { forecastOf, type HeapAtRest } from './forecast.ts';
import { releaseOf } from './release.ts';
import type { SourceLines } from './source-lines.ts';

const { pid } = process;
/** What is open, finding or not, is only written so often, in a young process more often; and of so many sites. */
const OPEN_EVERY_MS = 5000;
const YOUNG_SHARE = 0.5;
const MAX_OPEN_SITES = 300;
/** Programs that collect all the time are not told more often. */
const GC_EVERY_MS = 100;
/** Children that are noted down, arguments, and characters of each: it may be a whole program. */
const MAX_STARTED = 1000;
const MAX_ARGUMENTS = 100;
const MAX_ARGUMENT = 100;
const MAX_OWN_ARGUMENT = 1000;

export interface RecorderParts {
  folder: string;
  /** pid of the probed process that started this one; 0 for the outermost. */
  parent: number;
  settings: Settings;
  /** Attached to a program that runs. */
  isLate?: boolean;
  ledger: Ledger;
  sites: Sites;
  scopes: Scopes;
  /** Few processes have a finding, and need them. */
  sourceLines(): SourceLines;
}

export class Recorder {
  /** Wall clock. */
  readonly startedMs: number = wallClock();
  readonly file: string;
  private readonly writer: Writer;
  private readonly zero = now();
  private readonly ledger: Ledger;
  private readonly sites: Sites;
  private readonly scopes: Scopes;
  private sitesWritten = 0;
  private readonly poolsWritten: Set<number> = new Set();
  private openSitesAt = 0;
  private handlesAt = 0;
  private lastHandles = '[]';
  private collectedAt = Number.NEGATIVE_INFINITY;
  private heldAt = Number.NEGATIVE_INFINITY;
  /** Count in the last line; a drop to zero is written too. */
  private heldCount = 0;
  private readonly lastTotals: Map<string, string> = new Map();
  private lastScopes = '';
  /** Of findings that stand: what was written of them, and what is to be. Only news of a known one can wait. */
  private readonly certainties: Map<string, Certainty> = new Map();
  private readonly changed: Map<string, RecordedFinding> = new Map();
  /** Told since they were last written. */
  private readonly untold: Set<Notice> = new Set();
  private startedCount = 0;
  /** What was told to be no longer seen. */
  private readonly blindness: Set<string> = new Set();
  /** Of the service; null: nobody says. */
  readonly release: string | null;
  private readonly loadSourceLines: () => SourceLines;
  private sourceLines: SourceLines | null = null;

  private readonly heaps: HeapAtRest[] = [];
  private isForecast = false;

  constructor({ folder, parent, settings, isLate, ledger, sites, scopes, sourceLines }: RecorderParts) {
    this.loadSourceLines = sourceLines;
    const { startedMs } = this;
    this.file = path.join(folder, `${pid}-${threadId}-${startedMs}.jsonl`);
    this.writer = new Writer(this.file, keyOf);
    this.ledger = ledger;
    this.sites = sites;
    this.scopes = scopes;
    scopes.onRunEnd = ({ id, name, began, ended, failedWith }) => {
      this.writer.writeBulk({ t: 'run', id, name, began: began - this.zero, ended: ended - this.zero, failedWith });
    };
    this.release = releaseOf(settings.release, process.argv[1]);
    const { mode, stacks, graceMs, heldMs } = settings;
    this.writer.write({
      t: 'process',
      schema: RECORDING_SCHEMA,
      pid,
      parent,
      thread: threadId,
      host: hostName(),
      node: process.version,
      argv: maskArguments(process.argv.slice(0, MAX_ARGUMENTS), MAX_OWN_ARGUMENT),
      cwd: process.cwd(),
      startedMs,
      ...(isLate && { late: true }),
      ...(this.release !== null && { release: this.release }),
      heapLimit: heapLimit(),
      settings: { mode, stacks, graceMs, heldMs, scopes: settings.scopes, off: settings.off.join(',') },
    });
  }

  adapter(name: string): void {
    this.writer.write({ t: 'adapter', name });
  }

  unsupported(what: string): void {
    this.writer.write({ t: 'unsupported', what: mask(what) });
  }

  /** Something is there that is not watched, or not wholly. */
  unseen(what: string, why: string): void {
    this.writer.write({ t: 'unseen', what: mask(what), why: mask(why) });
  }

  /** A child process (`thread` 0) or a thread of this one. */
  started(child: number, thread: number, argv: readonly string[]): void {
    if (this.startedCount++ >= MAX_STARTED) return;
    const at = now() - this.zero;
    this.writer.write({
      t: 'started',
      at,
      pid: child,
      thread,
      argv: maskArguments(argv.slice(0, MAX_ARGUMENTS), MAX_ARGUMENT),
    });
  }

  judgement({ changed, withdrawn, openSites }: Judgement, isLast: boolean): void {
    const at = now() - this.zero;
    if (isLast || at - this.openSitesAt > Math.min(OPEN_EVERY_MS, YOUNG_SHARE * at)) {
      this.openSitesAt = at;
      if (isLast || this.writer.isDue('lines')) {
        this.writer.write({ t: 'lines', at, lines: openSites().slice(0, MAX_OPEN_SITES) });
      }
    }
    this.writeSites();
    for (const [key, finding] of changed) this.changed.set(key, finding);
    const isDue = isLast || (this.changed.size > 0 && this.writer.isDue('finding'));
    for (const [key, finding] of this.changed) {
      if (!isDue && this.certainties.get(key) === finding.certainty) continue;
      this.certainties.set(key, finding.certainty);
      this.changed.delete(key);
      const evidence = finding.evidence.map((sentence) => mask(sentence));
      this.writer.write({ t: 'finding', at, key, finding: { ...finding, evidence } });
      guarded('source-lines', () => this.source(finding));
    }
    if (isLast) guarded('source-lines', () => this.restOfSources());
    for (const [key, why] of withdrawn) {
      this.changed.delete(key);
      this.certainties.delete(key);
      this.writer.write({ t: 'withdrawn', at, key, why });
    }
  }

  /** A round of a soak has ended: how things stand at rest, right after a collection if there could be one. */
  round(round: number, findings: number, isCollected: boolean): void {
    const at = now() - this.zero;
    const stand = atRest(this.ledger);
    this.writer.write({ t: 'round', at, round, findings, isCollected, ...stand });
    if (!isCollected || round === 0 || this.isForecast) return;
    this.heaps.push({ round, heapUsed: stand.heapUsed });
    const forecast = forecastOf(this.heaps, heapLimit());
    if (!forecast) return;
    this.isForecast = true;
    this.writer.write({ t: 'forecast', at, round, ...forecast });
  }

  /** Gauges; `loopDelay` is the worst since the last sample, milliseconds. */
  sample(loopDelay: number): void {
    const pools = this.poolSamples();
    const open = openByKind(this.ledger);
    const { used_heap_size: heapUsed, number_of_native_contexts: nativeContexts } = getHeapStatistics();
    const at = now() - this.zero;
    const rss = process.memoryUsage.rss();
    this.writer.writeBulk({ t: 'sample', at, pools, open, heapUsed, rss, nativeContexts, loopDelay });
  }

  /** Of the pools that are there; those that are one in the recording, together with what gone ones of them came to. */
  private poolSamples(): PoolSample[] {
    const samples = new Map<number, Required<PoolSample>>();
    const alive = new Set<number>();
    for (const source of this.ledger.sources) {
      const { pool } = source;
      if (pool === null) continue;
      const gauges = pool.gauges();
      if (gauges) {
        alive.add(pool.id);
        this.writePool(source.library, pool);
      }
      const { used = 0, idle = 0, pending = 0 } = gauges ?? {};
      const sample = samples.get(pool.id) ?? [pool.id, 0, 0, 0, 0, 0, 0];
      [used, idle, pending, ...turnover(source, pool)].forEach((value, index) => {
        sample[index + 1] = (sample[index + 1] as number) + value;
      });
      samples.set(pool.id, sample);
    }
    return [...samples.values()].filter(([id]) => alive.has(id));
  }

  /** A major collection has just ended. */
  collected(): void {
    const at = now() - this.zero;
    if (at - this.collectedAt < GC_EVERY_MS) return;
    this.collectedAt = at;
    this.writer.writeBulk({ t: 'gc', at, heapUsed: getHeapStatistics().used_heap_size });
  }

  /** What holds the event loop and no adapter knows, from time to time. */
  handles(isLast: boolean, read: () => OpenHandle[]): void {
    const at = now() - this.zero;
    if (!isLast && at - this.handlesAt < Math.min(OPEN_EVERY_MS, YOUNG_SHARE * at)) return;
    this.handlesAt = at;
    const handles = guarded('active-handles', read) ?? [];
    const text = JSON.stringify(handles);
    if (text === this.lastHandles) return;
    this.lastHandles = text;
    if (isLast || this.writer.isDue('handles')) this.writer.write({ t: 'handles', at, handles });
  }

  /** Who has which connection, from time to time; the last is always written. */
  held(isLast: boolean): void {
    const at = now();
    if (!isLast && at - this.heldAt < OPEN_EVERY_MS) return;
    this.heldAt = at;
    const held = guarded('connections-in-use', () => heldConnections(this.ledger, at));
    if (!held || held.connections.length + this.heldCount === 0) return;
    this.heldCount = held.connections.length;
    this.writeSites();
    const line: HeldLine = { t: 'held', at: at - this.zero, ...held };
    if (isLast) this.writer.write(line);
    else this.writer.writeBulk(line);
  }

  /** Counts, traps and the probe's own cost: later lines say all that earlier ones said, and the last is always written. */
  state(notices: readonly Notice[], { cpuMs, forcedGc }: { cpuMs: number; forcedGc: number }, isLast: boolean): void {
    const isDue = (kind: Entry['t']) => isLast || this.writer.isDue(kind);
    if (isDue('totals')) this.totals();
    if (isDue('scopes')) this.scopeTotals();
    for (const notice of notices) this.untold.add(notice);
    if (this.untold.size > 0 && isDue('notice')) this.tell();
    this.tellBlindness();
    if (isDue('cost')) this.cost(cpuMs, forcedGc);
  }

  private totals(): void {
    const changed: TotalsLine['sites'] = [];
    const all: TotalsLine['sites'] = [];
    for (const [key, row] of this.totalsByRow()) {
      all.push(row);
      const counts = `${row[4]} ${row[5]}`;
      if (this.lastTotals.get(key) === counts) continue;
      this.lastTotals.set(key, counts);
      changed.push(row);
    }
    if (changed.length === 0) return;
    this.writeSites();
    const at = now() - this.zero;
    this.writer.write({ t: 'totals', at, sites: changed }, { t: 'totals', at, sites: all });
  }

  private scopeTotals(): void {
    const scopes = [...this.scopes.totals.values()].map(({ failedWith: _, into: __, rank: ___, ...counts }) => counts);
    const text = JSON.stringify(scopes);
    if (text === this.lastScopes) return;
    this.lastScopes = text;
    this.writer.write({ t: 'scopes', at: now() - this.zero, scopes });
  }

  private tell(): void {
    const at = now() - this.zero;
    for (const { pool, sentence, ...notice } of this.untold) {
      this.writer.write({ t: 'notice', at, ...notice, pool: pool && mask(pool), sentence: mask(sentence) });
    }
    this.untold.clear();
  }

  private tellBlindness(): void {
    for (const what of blindTo()) {
      if (this.blindness.has(what)) continue;
      this.blindness.add(what);
      this.unseen(what, 'The probe failed at it, and left it alone from then on: of what came later nothing was seen.');
    }
  }

  private cost(cpuMs: number, forcedGc: number): void {
    const { user, system } = process.cpuUsage();
    const share = Math.min(1, cpuMs / Math.max(1, (user + system) / 1000));
    const rounded = { cpuMs: Math.round(cpuMs * 10) / 10, share: Math.round(share * 1e4) / 1e4 };
    const dropped = { ...this.writer.dropped };
    this.writer.write({ t: 'cost', at: now() - this.zero, ...rounded, forcedGc, faults: lapseCount(), dropped });
  }

  flush(): void {
    this.writer.flush();
  }

  /** What stands in the recording; null where that is not known. */
  get standing(): readonly Entry[] | null {
    const { standing } = this.writer;
    return standing === null || !isWhole(standing) ? null : standing;
  }

  end(end: EndLine['end'], code: number): void {
    this.writer.write({ t: 'end', at: now() - this.zero, end, code });
    this.writer.close();
  }

  /** Pools of one name are one row. */
  private totalsByRow(): Map<string, TotalsLine['sites'][number]> {
    const rows = new Map<string, TotalsLine['sites'][number]>();
    for (const { nature, library, pool, accounts } of this.ledger.sources) {
      if (!nature.isTotalled) continue;
      const { kind } = nature;
      for (const { site, acquired, released } of accounts.values()) {
        const key = `${site?.id ?? -1} ${kind} ${library} ${pool?.name}`;
        const row = rows.get(key);
        if (!row) rows.set(key, [site?.id ?? -1, kind, library, pool?.name ?? null, acquired, released]);
        else {
          row[4] += acquired;
          row[5] += released;
        }
      }
    }
    return rows;
  }

  private writeSites(): void {
    const { all, isFull } = this.sites;
    if (isFull && this.sitesWritten < all.length) {
      this.unsupported(`stacks of new places: ${all.length} different ones were taken`);
    }
    for (const { id, stack } of all.slice(this.sitesWritten)) this.writer.write({ t: 'site', id, stack });
    this.sitesWritten = all.length;
  }

  private source(finding: RecordedFinding): void {
    this.sourceLines ??= this.loadSourceLines();
    for (const entry of this.sourceLines.about(finding)) this.writer.write(entry);
  }

  private restOfSources(): void {
    for (const entry of this.sourceLines?.rest() ?? []) this.writer.write(entry);
  }

  private writePool(library: string, { id, name, max }: PoolState): void {
    if (this.poolsWritten.has(id)) return;
    this.poolsWritten.add(id);
    this.writer.write({ t: 'pool', id, library, name, max });
  }
}

/** Bytes. V8 counts a thread's young generation in, which is larger than what is left of its old one. */
function heapLimit(): number {
  const { heap_size_limit: all } = getHeapStatistics();
  const { maxOldGenerationSizeMb: old = 0 } = resourceLimits;
  return old > 0 ? Math.min(all, old * 2 ** 20) : all;
}

/**
 * Leases of the pool that came back, and milliseconds waited and held. Those that were only counted had waited, and were
 * held, as long as such as were measured and came and went between two looks, as they did.
 */
function turnover({ accounts }: Source, { waitedInVain }: PoolState): [number, number, number] {
  let [released, waited, held] = [0, waitedInVain, 0];
  for (const account of accounts.values()) {
    const each = (account.released - account.measured) / Math.max(1, account.sampled);
    released += account.released;
    waited += account.waitedReleased + each * account.waitedSampled;
    held += account.heldReleased + each * account.heldSampled;
  }
  return [released, Math.round(waited), Math.round(held)];
}
