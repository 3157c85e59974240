/**
 * What ran, where that is not the text of the file on disk: loaders compile in memory, and a stack then has the lines of
 * their output. Inline maps of such texts are kept as they are, a slice of what V8 holds anyway, and read when a site in
 * the file is first told. Where there is no map, V8's hash of the script tells later whether the file on disk is what ran.
 *
 * Errs where text is compiled by `eval` or by hooks of ES modules: these maps are not seen, only the hash is.
 */
import { statSync } from 'node:fs';
import nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import {
  inlineMap,
  type Mapped,
  mapUrlOf,
  mayEndInMap,
  originalPlace,
  type Position,
  readMap,
} from '../recording/source-map.ts';

/** Of maps that are kept: how many, characters of one, and characters of the texts that they are slices of. */
const MOST = { maps: 5000, map: 1_500_000, texts: 64 * 1024 * 1024 };
/** Files whose scripts are hashed, and how large one may be: V8 takes 6 ms for a megabyte. */
const MOST_HASHES = 2000;
const MAX_HASHED_BYTES = 256 * 1024;

interface Compiled {
  /** Null: no map. */
  url: string | null;
  line: number;
  column: number;
  size: number;
  /** Undefined until it was asked for. */
  mapped?: Mapped | null;
}

/** `column` is counted from 0. What has no map comes back as it was. */
interface SupportedPlace {
  source: string;
  line: number;
  column: number;
}
type Support = (place: SupportedPlace) => SupportedPlace;

export class Scripts {
  readonly #compiled: Map<string, Compiled> = new Map();
  #size = 0;
  readonly #support: Support[] = [];
  readonly #hashes: Map<string, string | null> = new Map();

  /** `text` is compiled as `file`; `line` and `column`: the position of its first character, counted from 0. */
  compiled(file: string, text: string, line = 0, column = 0): void {
    this.#forget(file);
    const url = mayEndInMap(text) ? mapUrlOf(text) : null;
    if (!url?.startsWith('data:') || url.length > MOST.map) return;
    this.#compiled.set(file, { url, line, column, size: text.length });
    this.#size += text.length;
    for (const oldest of this.#compiled.keys()) {
      if (this.#compiled.size <= MOST.maps && this.#size <= MOST.texts) break;
      this.#forget(oldest);
    }
  }

  /** A loaded copy of `source-map-support`, which some loaders give their maps to. */
  support(exports: { mapSourcePosition?: Support }): void {
    if (typeof exports.mapSourcePosition === 'function') this.#support.push(exports.mapSourcePosition);
  }

  /** Through a map that Node holds (`--enable-source-maps`, tsx), one that was compiled, or a loader's; else null. */
  original(place: Position, isUser: boolean): Position | null {
    const node = process.sourceMapsEnabled ? ofNode(place) : null;
    return node ?? this.#ofCompiled(place) ?? (isUser ? this.#ofSupport(place) : null);
  }

  #ofCompiled(place: Position): Position | null {
    const compiled = this.#compiled.get(place.file);
    if (!compiled) return null;
    const { line, column } = compiled;
    const mapped = this.#mapOf(compiled, place.file);
    const column1 = place.line - line === 1 ? place.column - column : place.column;
    return mapped && originalPlace(mapped, { ...place, line: place.line - line, column: column1 });
  }

  #ofSupport({ file, line, column }: Position): Position | null {
    for (const map of this.#support) {
      const found = map({ source: file, line, column: column - 1 });
      if (found.source !== file || found.line !== line || found.column !== column - 1)
        return { file: asPath(found.source), line: found.line, column: found.column + 1 };
    }
    return null;
  }

  /** To be asked while the script's frame is at hand; kept once for each file. */
  noteHash(file: string, callSite: NodeJS.CallSite): void {
    if (this.#hashes.has(file) || this.#hashes.size >= MOST_HASHES) return;
    this.#hashes.set(file, null);
    if (sizeOf(file) <= MAX_HASHED_BYTES) this.#hashes.set(file, callSite.getScriptHash());
  }

  /** SHA-256 of what ran as the file, hexadecimal; null where it is not known, or its lines are the source's. */
  hashOf(file: string): string | null {
    return this.#hashes.get(file) ?? null;
  }

  #mapOf(compiled: Compiled, file: string): Mapped | null {
    if (compiled.mapped === undefined) {
      const json = compiled.url && inlineMap(compiled.url);
      compiled.mapped = json ? readMap(json, file) : null;
      compiled.url = null;
    }
    return compiled.mapped;
  }

  #forget(file: string): void {
    const compiled = this.#compiled.get(file);
    if (!compiled) return;
    this.#compiled.delete(file);
    this.#size -= compiled.size;
  }
}

/** Bytes; of what is not there, or may not be read, more than any. */
function sizeOf(file: string): number {
  try {
    return statSync(file, { throwIfNoEntry: false })?.size ?? Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function ofNode({ file, line, column }: Position): Position | null {
  const entry = nodeModule.findSourceMap(file)?.findEntry(line - 1, column - 1);
  if (!entry || !('originalSource' in entry) || !entry.originalSource) return null;
  const { originalSource, originalLine, originalColumn } = entry;
  return { file: asPath(originalSource), line: originalLine + 1, column: originalColumn + 1 };
}

function asPath(file: string): string {
  return file.startsWith('file:') ? fileURLToPath(file) : file;
}
