/** Positions as the author wrote them: through source maps on disk, with a window of the text around them. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Excerpt, Frame, Recording } from './format.ts';
import { mask } from './mask.ts';
import { isSourceIn, projectsOf } from './project.ts';
import { inlineMap, type Mapped, mapUrlOf, originalPlace, type Position, readMap } from './source-map.ts';

/** Lines shown before a site, and after it until its block ends: at least and at most so many. */
const BEFORE = 5;
const AFTER = { least: 6, most: 16 };
/** Characters of a line that are shown: a bundle may be one line. */
const WIDTH = 160;
/** Read before the line of the site is cut to its width, to each side of it. */
const AROUND = 1000;

/** Reads each file once; made anew for each report. */
export class Sources {
  readonly #maxBytes: number;
  #hasRefused = false;
  readonly #maps: Map<string, Mapped | null> = new Map();
  readonly #texts: Map<string, string[] | null> = new Map();

  #mayRead = (_file: string): boolean => true;

  /** For what others recorded: only the sources of their projects are read. */
  static of(recordings: readonly Pick<Recording, 'process'>[]): Sources {
    const sources = new Sources();
    let projects: string[] | null = null;
    sources.#mayRead = (file) => {
      projects ??= projectsOf(recordings.map(({ process }) => process));
      return isSourceIn(projects, file);
    };
    return sources;
  }

  /** Files, and maps, that are larger than `maxBytes` count as not there. */
  constructor(maxBytes: number = Number.POSITIVE_INFINITY) {
    this.#maxBytes = maxBytes;
  }

  /** The frame at its place in the original source, or as it is when there is no map. */
  original<F extends Pick<Frame, 'file' | 'line' | 'column'>>(frame: F): F {
    const mapped = this.#mapOf(frame.file);
    const place = mapped && originalPlace(mapped, frame);
    return place ? { ...frame, ...place } : frame;
  }

  /** The file's lines, or null when it cannot be read. */
  lines(file: string): string[] | null {
    let lines = this.#texts.get(file);
    if (lines === undefined) {
      lines = this.text(file)?.split(/\r?\n/) ?? null;
      this.#texts.set(file, lines);
    }
    return lines;
  }

  /** The file as it is on disk; null where it cannot, or may not, be read. */
  text(file: string): string | null {
    try {
      const isAsked = path.isAbsolute(file) && this.#mayRead(file);
      const stats = isAsked ? statSync(file, { throwIfNoEntry: false }) : null;
      if (!stats?.isFile()) return null;
      this.#hasRefused ||= stats.size > this.#maxBytes;
      return stats.size > this.#maxBytes ? null : readFileSync(file, 'utf8');
    } catch {
      return null;
    }
  }

  /** Whether something was there and too large. */
  get hasRefused(): boolean {
    return this.#hasRefused;
  }

  excerpt({ file, line, column }: Position): Excerpt | null {
    const lines = this.lines(file);
    if (!lines || line < 1 || line > lines.length) return null;
    const first = Math.max(1, line - BEFORE);
    const shown = lines.slice(first - 1, lastOfBlock(lines, line));
    while (shown.length > line - first + 1 && shown.at(-1)?.trim() === '') shown.pop();
    const at = line - first;
    const call = cutAround(shown[at] ?? '', column);
    return { first, lines: shown.map((text, i) => (i === at ? call.text : cutEnd(text))), column: call.column };
  }

  #mapOf(file: string): Mapped | null {
    let mapped = this.#maps.get(file);
    if (mapped === undefined) {
      mapped = this.#loadMap(file);
      this.#maps.set(file, mapped);
    }
    return mapped;
  }

  #loadMap(file: string): Mapped | null {
    const url = mapUrlOf(this.text(file) ?? '');
    if (url === null) return null;
    const json = inlineMap(url) ?? this.text(path.resolve(path.dirname(file), url));
    const mapped = json ? readMap(json, file) : null;
    for (const [original, content] of mapped?.contents ?? []) {
      if (this.text(original) === null) this.#texts.set(original, content.split(/\r?\n/));
    }
    mapped?.contents.clear();
    return mapped;
  }
}

/** Whether a call may stand there: a token begins at the column. Other text than what ran mostly has none. */
export function mayBeCall(text: string | undefined, column: number): boolean {
  if (text === undefined || !/[^\s)\]};,]/.test(text[column - 1] ?? '')) return false;
  return !/[\w$]/.test(text[column - 2] ?? '') || !/[\w$]/.test(text[column - 1] ?? '');
}

function cutEnd(text: string): string {
  return text.length > WIDTH ? `${mask(text.slice(0, AROUND)).slice(0, WIDTH - 1)}…` : mask(text);
}

/** Masked before it is cut: half a secret is not known as one. */
function cutAround(text: string, column: number): { text: string; column: number } {
  if (text.length <= WIDTH) return { text: mask(text), column };
  const from = Math.max(0, column - 1 - AROUND);
  const whole = mask(text.slice(from, column - 1 + AROUND));
  // as one text: a secret that the column stands in is known by both of its halves
  const before = commonStart(whole, mask(text.slice(from, column - 1)));
  const after = whole.slice(before.length);
  const end = column - 1 + AROUND < text.length || after.length > WIDTH / 2;
  const left = before.slice(-(WIDTH / 2 - 2));
  const isCutLeft = from > 0 || left.length < before.length;
  const head = `${isCutLeft ? '…' : ''}${left}`;
  return { text: `${head}${after.slice(0, WIDTH / 2 - 1)}${end ? '…' : ''}`, column: head.length + 1 };
}

function commonStart(text: string, other: string): string {
  let length = 0;
  while (length < other.length && text[length] === other[length]) length++;
  return text.slice(0, length);
}

/** The line that ends the block which `line` stands in, by its indentation; or as many lines as are shown. */
function lastOfBlock(lines: readonly string[], line: number): number {
  const depth = indentation(lines[line - 1] ?? '');
  const rest = lines.slice(line, line + AFTER.most);
  const end = rest.findIndex((text) => text.trim() !== '' && indentation(text) < depth);
  return line + Math.max(end < 0 ? AFTER.least : end + 1, Math.min(AFTER.least, rest.length));
}

function indentation(text: string): number {
  return text.length - text.trimStart().length;
}
