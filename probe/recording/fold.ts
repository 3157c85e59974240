/** Lines → one recording. Memory stays bounded however long the recording is. */
import { type Bounded, BoundedSamples, boundedPoints } from './bounded.ts';
import type { HeldLine, Line, Point, ProcessLine, Recording, RunLine, TotalsLine } from './format.ts';

/** Beyond these, neighbours are merged, or the oldest dropped. */
const MOST = { samples: 20_000, collections: 5000, runs: 20_000, held: 2000, points: 400, faults: 100 };

type Row = TotalsLine['sites'][number];

export class Fold {
  private readonly recording: Recording;
  private readonly samples = new BoundedSamples(MOST.samples);
  private readonly totals: Map<string, { row: Row; open: Bounded<Point> }> = new Map();

  constructor(file: string, process: ProcessLine) {
    this.recording = {
      file,
      process,
      adapters: [],
      unsupported: [],
      started: [],
      sites: new Map(),
      pools: new Map(),
      samples: [],
      collections: [],
      rounds: [],
      runs: [],
      scopes: [],
      totals: [],
      open: [],
      lines: [],
      held: [],
      findings: new Map(),
      withdrawn: [],
      notices: new Map(),
      end: null,
      cost: null,
      faults: [],
      lastAt: 0,
      problems: [],
    };
  }

  end(): Recording {
    const totals = [...this.totals.values()];
    return {
      ...this.recording,
      samples: this.samples.values(),
      totals: totals.map(({ row }) => row),
      open: totals.map(({ open }) => open.values()),
    };
  }

  take(line: Line): void {
    const { recording } = this;
    if ('at' in line && line.at > recording.lastAt) recording.lastAt = line.at;
    switch (line.t) {
      case 'process':
        // begun anew, it says all of this once more
        recording.adapters = [];
        recording.unsupported = [];
        recording.started = [];
        break;
      case 'adapter':
        recording.adapters.push(line.name);
        break;
      case 'unsupported':
        recording.unsupported.push(line.what);
        break;
      case 'started':
        recording.started.push(line);
        break;
      case 'site':
        recording.sites.set(line.id, line.stack);
        break;
      case 'pool':
        recording.pools.set(line.id, line);
        break;
      case 'sample':
        this.samples.push(line);
        break;
      case 'gc':
        recording.collections = keep(recording.collections, line, MOST.collections);
        break;
      case 'round':
        recording.rounds.push(line);
        break;
      case 'run':
        recording.runs = keep<RunLine>(recording.runs, line, MOST.runs);
        break;
      case 'scopes':
        recording.scopes = line.scopes;
        break;
      case 'totals':
        this.takeTotals(line);
        break;
      case 'lines':
        recording.lines = line.lines;
        break;
      case 'held':
        recording.held = keep<HeldLine>(recording.held, line, MOST.held);
        break;
      case 'finding':
        recording.findings.set(line.key, {
          at: recording.findings.get(line.key)?.at ?? line.at,
          finding: line.finding,
        });
        break;
      case 'withdrawn': {
        const found = recording.findings.get(line.key);
        recording.findings.delete(line.key);
        if (found) recording.withdrawn.push({ at: line.at, finding: found.finding, why: line.why });
        break;
      }
      case 'notice':
        recording.notices.set(JSON.stringify([line.library, line.pool, line.name]), line);
        break;
      case 'cost':
        if (line.faults > (recording.cost?.faults ?? 0)) {
          recording.faults = keep(recording.faults, { at: line.at, count: line.faults }, MOST.faults);
        }
        recording.cost = line;
        break;
      case 'end':
        recording.end = line;
        break;
    }
  }

  private takeTotals({ at, sites }: TotalsLine): void {
    for (const row of sites) {
      const [site, kind, library, pool, acquired, released] = row;
      const key = JSON.stringify([site, kind, library, pool]);
      let known = this.totals.get(key);
      if (!known) {
        known = { row, open: boundedPoints(MOST.points) };
        this.totals.set(key, known);
      }
      known.row = row;
      const open = Math.max(0, acquired - released);
      known.open.push([at, open, open]);
    }
  }
}

/** The newest `most`, or somewhat more. */
function keep<T>(list: T[], item: T, most: number): T[] {
  list.push(item);
  return list.length < most * 2 ? list : list.slice(-most);
}
