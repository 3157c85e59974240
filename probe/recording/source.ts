/** Positions as the author wrote them: through source maps on disk, with the text around them. */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Frame } from './format.ts';

/** Lines shown before a site, and after it until its block ends: at least and at most so many. */
const BEFORE = 5;
const AFTER = { least: 6, most: 16 };

interface Mapped {
  map: SourceMap;
  sources: Map<string, string>;
}

/** Reads each file once; made anew for each report. */
export class Sources {
  private readonly maps: Map<string, Mapped | null> = new Map();
  private readonly texts: Map<string, string[] | null> = new Map();

  /** The frame at its place in the original source, or as it is when there is no map. */
  original<F extends Pick<Frame, 'file' | 'line' | 'column'>>(frame: F): F {
    const mapped = this.mapOf(frame.file);
    const entry = mapped?.map.findEntry(frame.line - 1, frame.column - 1);
    if (!mapped || !entry || !('originalSource' in entry) || !entry.originalSource) return frame;
    const file = mapped.sources.get(entry.originalSource) ?? entry.originalSource;
    return { ...frame, file, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  }

  /** The file's lines, or null when it cannot be read. */
  lines(file: string): string[] | null {
    let lines = this.texts.get(file);
    if (lines === undefined) {
      lines = read(file)?.split(/\r?\n/) ?? null;
      this.texts.set(file, lines);
    }
    return lines;
  }

  excerpt(file: string, line: number): { first: number; lines: string[] } | null {
    const lines = this.lines(file);
    if (!lines || line < 1 || line > lines.length) return null;
    const first = Math.max(1, line - BEFORE);
    const shown = lines.slice(first - 1, lastOfBlock(lines, line));
    while (shown.length > line - first + 1 && shown.at(-1)?.trim() === '') shown.pop();
    return { first, lines: shown };
  }

  private mapOf(file: string): Mapped | null {
    let mapped = this.maps.get(file);
    if (mapped === undefined) {
      mapped = this.loadMap(file);
      this.maps.set(file, mapped);
    }
    return mapped;
  }

  private loadMap(file: string): Mapped | null {
    const url = read(file)?.match(/\/\/[#@] sourceMappingURL=(\S+)\s*$/)?.[1];
    if (!url) return null;
    const inline = /^data:application\/json[^,]*;base64,(.*)$/.exec(url)?.[1];
    const json = inline ? Buffer.from(inline, 'base64').toString() : read(path.resolve(path.dirname(file), url));
    if (!json) return null;
    try {
      const payload = JSON.parse(json);
      const sources = new Map<string, string>();
      payload.sources.forEach((source: string, index: number) => {
        const original = source.startsWith('file:')
          ? fileURLToPath(source)
          : path.resolve(path.dirname(file), payload.sourceRoot ?? '', source);
        sources.set(source, original);
        const content = payload.sourcesContent?.[index];
        if (typeof content === 'string' && read(original) === null) this.texts.set(original, content.split(/\r?\n/));
      });
      return { map: new SourceMap(payload), sources };
    } catch {
      return null;
    }
  }
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

function read(file: string): string | null {
  try {
    return path.isAbsolute(file) ? readFileSync(file, 'utf8') : null;
  } catch {
    return null;
  }
}
