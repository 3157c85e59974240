/** A recording while it is read: what is merged as it comes, so that memory stays bounded however long it is. */
import { type Bounded, BoundedSamples, boundedPoints } from './bounded.ts';
import { emptyRecording, type Point, type ProcessLine, type Recording, type TotalsLine } from './format.ts';

const MOST = { samples: 20_000, points: 400 };

type Row = TotalsLine['sites'][number];

export class Draft {
  /** All but what this class merges. */
  readonly recording: Recording;
  readonly samples: BoundedSamples = new BoundedSamples(MOST.samples);
  readonly #totals: Map<string, { row: Row; open: Bounded<Point> }> = new Map();

  constructor(file: string, process: ProcessLine) {
    this.recording = emptyRecording(file, process);
  }

  totals({ at, sites }: TotalsLine): void {
    for (const row of sites) {
      const [site, kind, library, pool, acquired, released] = row;
      const key = JSON.stringify([site, kind, library, pool]);
      let known = this.#totals.get(key);
      if (!known) {
        known = { row, open: boundedPoints(MOST.points) };
        this.#totals.set(key, known);
      }
      known.row = row;
      const open = Math.max(0, acquired - released);
      known.open.push([at, open, open]);
    }
  }

  end(): Recording {
    const totals = [...this.#totals.values()];
    return {
      ...this.recording,
      samples: this.samples.values(),
      totals: totals.map(({ row }) => row),
      open: totals.map(({ open }) => open.values()),
    };
  }
}
