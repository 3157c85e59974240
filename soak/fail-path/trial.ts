/** What the runs of a command show of one candidate: whether that line leaves something open, and when. */
import path from 'node:path';
import type { Span, Trace } from '../../candidates/find.ts';
import type { Place, Taken } from '../../probe/control/inject/injector.ts';
import type { CommandRun } from './command.ts';
import type { Loss, Mending } from './mend.ts';
import type { Original, Point } from './points.ts';
import { nameOf, recipeOf } from './words.ts';

export const VERDICTS = ['confirmed', 'dropped', 'not reached'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface Confirmation {
  verdict: Verdict;
  /** Why, in a sentence. */
  sentence: string;
  /** What was made to fail, where something then stays open. */
  fault: Point | null;
  /** A change that was tried out; null where nothing is confirmed. */
  fix: Mending | null;
  /** Text of a test that is red as long as it stays open; null where nothing is confirmed. */
  test: string | null;
}

export interface Suspicion extends Trace {
  /** As executed programs name it: absolute, without links. */
  file: string;
}

export type Outcome = 'returned' | 'grew' | 'varies' | 'dies' | 'missed';

export class Trial {
  readonly #suspicion: Suspicion;
  readonly #original: Original;
  readonly #without: readonly CommandRun[];
  readonly #acquired: number;
  /** The file ran as a text whose lines lead nowhere. */
  readonly #isElsewhere: boolean;
  /** Open at the end without a fault: at least and at most. */
  readonly #usual: { least: number; most: number };
  readonly #outcomes: Map<Point, Outcome> = new Map();

  /** `without`: runs in which nothing was made to fail. */
  constructor(suspicion: Suspicion, without: readonly CommandRun[], original: Original) {
    this.#suspicion = suspicion;
    this.#original = original;
    this.#without = without;
    const open = without.map((run) => this.#count(run, 'open'));
    this.#usual = { least: Math.min(...open), most: Math.max(...open) };
    this.#isElsewhere = without.some(({ turns }) => turns.some(({ lost }) => lost.includes(suspicion.file)));
    this.#acquired = Math.max(...without.map((run) => this.#count(run, 'acquired')));
  }

  get line(): number {
    return this.#suspicion.taken.from.line;
  }

  /** Whether it acquired anything in a run with nothing made to fail. */
  get isReached(): boolean {
    return this.#acquired > 0;
  }

  /** With nothing made to fail. */
  get staysOpen(): boolean {
    return this.#usual.least > 0;
  }

  /** What it acquires; null where it was not reached. */
  get loss(): Loss | null {
    const [place] = this.#without.flatMap((run) => this.#takenIn(run, true));
    if (!place) return null;
    const { file, taken } = this.#suspicion;
    return { nature: place.nature, library: place.library, site: { file, ...taken.from } };
  }

  /** Whether it is asked for between acquiring and releasing, and could tell something that is not known yet. */
  wants({ site, callers }: Point): boolean {
    const { between } = this.#suspicion;
    if (between === null || !this.isReached || this.#confirmedBy() !== undefined) return false;
    return !this.staysOpen && [site, ...callers].some((place) => this.#isIn(between, place));
  }

  /** The run with that point's fault; whether it must be repeated. */
  note(point: Point, run: CommandRun): boolean {
    const outcome = this.outcomeOf(run);
    const known = this.#outcomes.get(point);
    this.#outcomes.set(point, known === undefined || known === outcome ? outcome : 'varies');
    return this.#outcomes.get(point) === 'grew';
  }

  conclude(): Confirmation {
    const { between, throwing } = this.#suspicion;
    if (this.#isElsewhere) {
      return notReached('What ran is not the text of this file, and no map that is known leads to its lines.');
    }
    if (!this.isReached) {
      return notReached('The command acquired nothing at this line, or what it acquires is not watched.');
    }
    if (this.staysOpen) {
      return {
        verdict: 'confirmed',
        sentence: 'Stays open with nothing made to fail, in each run.',
        fault: null,
        fix: null,
        test: null,
      };
    }
    const fault = this.#confirmedBy();
    if (fault) return { verdict: 'confirmed', sentence: recipeOf(fault), fault, fix: null, test: null };
    if (between === null) return dropped('The line ran, and all came back.');
    const tried = [...this.#outcomes];
    const returned = tried.filter(([, outcome]) => outcome === 'returned').map(([point]) => point);
    const unclear = tried.flatMap(([point, outcome]) => UNCLEAR[outcome]?.(nameOf(point)) ?? []);
    const forced = new Set(tried.flatMap(([point]) => this.#linesOf(point)));
    const open = throwing.filter((line) => line === null || !forced.has(line));
    if (open.length > 0 || unclear.length > 0) return notReached([...unclear, ...missing(open)].join(' '));
    return dropped(`All came back when ${joined(returned.map(nameOf))} failed.`);
  }

  #confirmedBy(): Point | undefined {
    return [...this.#outcomes].find(([, outcome]) => outcome === 'grew')?.[0];
  }

  /** Of a run with a fault. */
  outcomeOf(run: CommandRun): Outcome {
    const hit = run.turns.filter((turn) => turn.hit);
    if (hit.length === 0) return 'missed';
    if (hit.some(({ isCut }) => isCut)) return 'dies';
    return this.#count(run, 'open') > this.#usual.most ? 'grew' : 'returned';
  }

  /** Of a process that was cut short nothing counts as left open: it had no time to give it back. */
  #count(run: CommandRun, what: 'acquired' | 'open'): number {
    return this.#takenIn(run, what === 'acquired').reduce((total, place) => total + place[what], 0);
  }

  #takenIn({ turns }: CommandRun, alsoOfCut: boolean): Taken[] {
    const { taken } = this.#suspicion;
    return turns
      .filter(({ isCut }) => alsoOfCut || !isCut)
      .flatMap((turn) => turn.taken)
      .filter((place) => this.#isOnLinesOf(taken, this.#original(place)));
  }

  /** The lines of the candidate's paths that throw when this fails: the nearest at or above where it is asked for. */
  #linesOf({ site, callers }: Point): number[] {
    const { between, throwing } = this.#suspicion;
    const places = [site, ...callers].filter((place) => between && this.#isIn(between, place));
    return places.map(({ line }) => Math.max(...throwing.filter((each) => each !== null && each <= line).map(Number)));
  }

  /** Many source maps know the line alone. */
  #isOnLinesOf({ from, to }: Span, { file, line }: Place): boolean {
    return path.normalize(file) === this.#suspicion.file && line >= from.line && line <= to.line;
  }

  #isIn({ from, to }: Span, { file, line, column }: Place): boolean {
    if (path.normalize(file) !== this.#suspicion.file) return false;
    const isAfter = line > from.line || (line === from.line && column >= from.column);
    return isAfter && (line < to.line || (line === to.line && column < to.column));
  }
}

const UNCLEAR: Partial<Record<Outcome, (name: string) => string>> = {
  varies: (name) => `When ${name} fails, something stays open, but not each time.`,
  dies: (name) => `When ${name} fails, the program ends at once, which shows nothing.`,
  missed: (name) => `It was not reached again: ${name}.`,
};

function missing(open: readonly (number | null)[]): string[] {
  const lines = [...new Set(open.filter((line) => line !== null))].map(String);
  return [
    ...(lines.length > 0
      ? [`Nothing was made to fail on ${lines.length > 1 ? 'lines' : 'line'} ${joined(lines)}.`]
      : []),
    ...(open.includes(null) ? ['No failure takes the path that leaves without a release.'] : []),
  ];
}

function joined(names: readonly string[]): string {
  return new Intl.ListFormat('en-GB').format(names);
}

function dropped(sentence: string): Confirmation {
  return { verdict: 'dropped', sentence, fault: null, fix: null, test: null };
}

function notReached(sentence: string): Confirmation {
  return { verdict: 'not reached', sentence, fault: null, fix: null, test: null };
}
