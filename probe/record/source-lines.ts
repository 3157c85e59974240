/**
 * The code that a finding is about, for a report that is made where the code is not: the stacks as source maps on disk
 * give them, and the lines around the site. Says too whether the file is what ran.
 */
import { createHash } from 'node:crypto';
import type { Site, Sites } from '../account/site.ts';
import type { Entry, Frame, RecordedFinding } from '../recording/format.ts';
import { placeOf } from '../recording/place.ts';
import { mayBeCall, Sources } from '../recording/source.ts';

/** Places that are told. */
const MOST = 100;
/** Stacks through one line that are told anew. */
const MOST_STACKS = 50;
/** A service at work is not held up by a larger file: these are left to the end. */
const MAX_BYTES = 1024 * 1024;

type Held = Pick<RecordedFinding, 'site' | 'frame'>;

export class SourceLines {
  readonly #sites: Sites;
  readonly #told: Set<string> = new Set();
  /** Left to the end. */
  readonly #later: Held[] = [];

  constructor(sites: Sites) {
    this.#sites = sites;
  }

  /** What is to be written of a finding; nothing that was told before. */
  about({ site, frame, holders }: RecordedFinding): Entry[] {
    const sources = new Sources(MAX_BYTES);
    return [{ site, frame }, ...holders].flatMap((held) => this.#of(held, sources));
  }

  /** At the end of the process: what had to wait for it. */
  rest(): Entry[] {
    const sources = new Sources();
    return this.#later.splice(0).flatMap((held) => this.#of(held, sources));
  }

  #of(held: Held, sources: Sources): Entry[] {
    const site = this.#sites.all[held.site];
    const frame = site?.stack[held.frame];
    if (!site || !frame || this.#told.size + this.#later.length >= MOST) return [];
    const place = sources.original(frame);
    const { file, line, column } = place;
    const key = `${file}:${line}:${column}`;
    if (this.#told.has(key)) return [];
    const told = placeOf(place, sources);
    const isCompiled = !site.isMapped[held.frame] && this.#isOtherText(frame, place !== frame, sources);
    const stacks = this.#stacks(frame, sources);
    if (sources.hasRefused) {
      this.#later.push(held);
      return [];
    }
    this.#told.add(key);
    const excerpt = isCompiled ? null : told.excerpt;
    return [...stacks, { t: 'source', file, line, column, ...told, isCompiled, excerpt }];
  }

  /** The stacks that go through the frame, where maps on disk change them. */
  #stacks(frame: Frame, sources: Sources): Entry[] {
    const same = (site: Site) =>
      site.stack.some(
        ({ file, line, column }) => file === frame.file && line === frame.line && column === frame.column,
      );
    return this.#sites.all
      .filter(same)
      .slice(0, MOST_STACKS)
      .flatMap(({ id, stack }) => {
        const mapped = stack.map((each) => (each.user ? sources.original(each) : each));
        return mapped.every((each, i) => each === stack[i]) ? [] : [{ t: 'site', id, stack: mapped }];
      });
  }

  /** Whether the file on disk is not what ran. */
  #isOtherText({ file, line, column }: Frame, isMapped: boolean, sources: Sources): boolean {
    const text = sources.text(file);
    if (text === null) return false;
    const hash = this.#sites.scripts.hashOf(file);
    if (hash !== null && !isStripped(file)) return hash !== sha256(text.replace(/^\ufeff/, ''));
    return !isMapped && !mayBeCall(sources.lines(file)?.[line - 1], column);
  }
}

/** Node.js itself takes types away, and leaves everything else where it was. */
function isStripped(file: string): boolean {
  return /\.[cm]?ts$/.test(file) && Boolean((process.features as { typescript?: unknown }).typescript);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
