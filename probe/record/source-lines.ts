/**
 * The code that a finding is about, for a report that is made where the code is not: the stacks as source maps on disk
 * give them, and the lines around the site. Says too whether the file is what ran.
 */
import type { Site, Sites } from '../account/site.ts';
import { guarded } from '../process/lapses.ts';
import type { Entry, Frame, RecordedFinding } from '../recording/format.ts';
import { placeOf } from '../recording/place.ts';
import { mayBeCall, Sources } from '../recording/source.ts';
import { type Mapped, originalPlace } from '../recording/source-map.ts';
import { ranAsOther, scriptMaps } from './script-maps.ts';

/** Places that are told. */
const MOST = 100;
/** Stacks through one line that are told anew. */
const MOST_STACKS = 50;
/** A service at work is not held up by a larger file: these are left to the end. */
const MAX_BYTES = 1024 * 1024;

type Held = Pick<RecordedFinding, 'site' | 'frame'>;

/** A frame at its place in the source; the very frame where no map has it. */
type Original = (frame: Frame) => Frame;

export class SourceLines {
  readonly #sites: Sites;
  readonly #told: Set<string> = new Set();
  /** Left to the end: what needs large files, and what ran as files whose text it is not. */
  readonly #later: Map<string, Held> = new Map();
  readonly #doubtful: Set<string> = new Set();

  constructor(sites: Sites) {
    this.#sites = sites;
  }

  /** What is to be written of a finding; nothing that was told before. */
  about({ site, frame, holders }: RecordedFinding): Entry[] {
    const sources = new Sources(MAX_BYTES);
    return [{ site, frame }, ...holders].flatMap((held) => this.#of(held, sources, (each) => sources.original(each)));
  }

  /** At the end of the process: what had to wait for it. */
  rest(): Entry[] {
    if (this.#later.size === 0) return [];
    const sources = new Sources();
    const maps =
      this.#doubtful.size > 0 ? guarded('script-maps', scriptMaps, this.#doubtful as ReadonlySet<string>) : undefined;
    const original: Original = (frame) => {
      const map = maps?.get(frame.file);
      const place = map && originalPlace(map, frame);
      return place ? { ...frame, ...place } : sources.original(frame);
    };
    const waiting = [...this.#later.values()];
    this.#later.clear();
    return waiting.flatMap((held) => this.#of(held, sources, original, maps));
  }

  /** `maps`: of what ran, by file; known at the end only. */
  #of(held: Held, sources: Sources, original: Original, maps?: ReadonlyMap<string, Mapped>): Entry[] {
    const site = this.#sites.all[held.site];
    const frame = site?.stack[held.frame];
    const id = `${held.site}:${held.frame}`;
    if (!site || !frame || this.#later.has(id) || this.#told.size + this.#later.size >= MOST) return [];
    const place = original(frame);
    const { file, line, column } = place;
    const key = `${file}:${line}:${column}`;
    if (this.#told.has(key)) return [];
    const isMapped = place !== frame;
    const isKnown = site.isMapped[held.frame] || (isMapped && maps?.has(frame.file));
    const isCompiled = !isKnown && this.#isOtherText(frame, isMapped, sources);
    const { excerpt, ...told } = placeOf(place, sources);
    const stacks = this.#stacks(frame, original);
    if (isCompiled) this.#doubtful.add(frame.file);
    if (isCompiled || sources.hasRefused) this.#later.set(id, held);
    else this.#told.add(key);
    if (sources.hasRefused) return [];
    return [...stacks, { t: 'source', file, line, column, ...told, isCompiled, excerpt: isCompiled ? null : excerpt }];
  }

  /** The stacks that go through the frame, where maps change them. */
  #stacks(frame: Frame, original: Original): Entry[] {
    const same = (site: Site) =>
      site.stack.some(
        ({ file, line, column }) => file === frame.file && line === frame.line && column === frame.column,
      );
    return this.#sites.all
      .filter(same)
      .slice(0, MOST_STACKS)
      .flatMap(({ id, stack }) => {
        const mapped = stack.map((each) => (each.user ? original(each) : each));
        return mapped.every((each, i) => each === stack[i]) ? [] : [{ t: 'site', id, stack: mapped }];
      });
  }

  /** Whether the file on disk is not what ran. */
  #isOtherText({ file, line, column }: Frame, isMapped: boolean, sources: Sources): boolean {
    const text = sources.text(file);
    if (text === null) return false;
    const isOther = ranAsOther(this.#sites.scripts.hashOf(file), file, text);
    if (isOther !== null) return isOther;
    return !isMapped && !mayBeCall(sources.lines(file)?.[line - 1], column);
  }
}
