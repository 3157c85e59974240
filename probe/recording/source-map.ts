/** Source maps: found at the end of a text, read, and asked for the place that its author wrote. */
import { existsSync } from 'node:fs';
import { SourceMap } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Frame } from './format.ts';

export type Position = Pick<Frame, 'file' | 'line' | 'column'>;

export interface Mapped {
  map: SourceMap;
  /** Absolute paths, by the name that the map has for each. */
  files: Map<string, string>;
  /** Texts that the map itself holds, by absolute path. */
  contents: Map<string, string>;
}

/** Part of a map, or the whole of it. */
interface MapPart {
  sources?: unknown;
  sourcesContent?: unknown;
  sourceRoot?: unknown;
  sections?: unknown;
}

const COMMENT = 'sourceMappingURL=';
/** The end of a comment that holds a map; what a loader wraps the text in may follow. */
const INLINE_END = /[\w+/=%.~-]{16}[\s})\];]*$/;
/** Characters at the end of a text that tell whether a map may stand there. */
const TAIL = 64;

/** Whether the text may end in a map: a look at its last characters, however long it is. */
export function mayEndInMap(text: string): boolean {
  return INLINE_END.test(text.slice(-TAIL));
}

/** The URL in the comment that the text ends in; null when it ends in none. */
export function mapUrlOf(text: string): string | null {
  const at = text.lastIndexOf(COMMENT);
  if (at < 0 || !/^\/\/[#@] $/.test(text.slice(Math.max(0, at - 4), at))) return null;
  const rest = text.slice(at + COMMENT.length);
  const end = rest.search(/\s|$/);
  return /^[\s})\];]*$/.test(rest.slice(end)) ? rest.slice(0, end) : null;
}

/** The JSON in a `data:` URL; null for any other. */
export function inlineMap(url: string): string | null {
  const [, base64, data] = /^data:application\/json[^,]*?(;base64)?,(.*)$/s.exec(url) ?? [];
  if (data === undefined) return null;
  try {
    return base64 ? Buffer.from(data, 'base64').toString() : decodeURIComponent(data);
  } catch {
    return null;
  }
}

/** `file`: what the map is of; its sources are relative to it. Null when it is no map. Knows maps made of sections. */
export function readMap(json: string, file: string): Mapped | null {
  try {
    const payload = JSON.parse(json);
    const mapped = { files: new Map<string, string>(), contents: new Map<string, string>() };
    for (const part of partsOf(payload)) takeSources(part, file, mapped);
    return { map: new SourceMap(payload), ...mapped };
  } catch {
    return null;
  }
}

/** The place in the original source; null where the map has none. */
export function originalPlace({ map, files }: Mapped, { line, column }: Position): Position | null {
  const entry = map.findEntry(line - 1, column - 1);
  if (!('originalSource' in entry) || !entry.originalSource) return null;
  const { originalSource, originalLine, originalColumn } = entry;
  return { file: files.get(originalSource) ?? originalSource, line: originalLine + 1, column: originalColumn + 1 };
}

function partsOf(payload: MapPart): MapPart[] {
  if (!Array.isArray(payload.sections)) return [payload];
  return payload.sections.flatMap(({ map }: { map?: MapPart }) => (map ? partsOf(map) : []));
}

/** The texts leave the map, which keeps all else for as long as it is used. */
function takeSources(part: MapPart, file: string, { files, contents }: Pick<Mapped, 'files' | 'contents'>): void {
  const { sources, sourcesContent, sourceRoot } = part;
  delete part.sourcesContent;
  if (!Array.isArray(sources)) return;
  const root = typeof sourceRoot === 'string' ? sourceRoot : '';
  for (const [index, source] of sources.entries()) {
    if (typeof source !== 'string') continue;
    const original = absolute(source, root, file);
    files.set(source, original);
    const content: unknown = Array.isArray(sourcesContent) ? sourcesContent[index] : null;
    if (typeof content === 'string') contents.set(original, content);
  }
}

function absolute(source: string, root: string, file: string): string {
  if (source.startsWith('file:')) return fileURLToPath(source);
  const [, ofBundle] = BUNDLE.exec(source) ?? [];
  if (ofBundle !== undefined) return inProject(ofBundle, file);
  return path.resolve(path.dirname(file), root.startsWith('file:') ? fileURLToPath(root) : root, source);
}

/** What bundlers call a source: `webpack://shop/./app/orders.js?1f3a`, `turbopack:///[project]/app/orders.js`. */
const BUNDLE = /^(?:webpack|turbopack|rspack):\/\/[^/]*\/(?:\[project\]\/)?(?:\.\/)*([^?]+)/;

/** From the nearest folder above the bundle that has it, which may mirror the names; else from the package's. */
function inProject(source: string, file: string): string {
  const folders: string[] = [];
  for (let at = path.dirname(file); at !== path.dirname(at); at = path.dirname(at)) folders.push(at);
  const all = folders.map((folder) => path.join(folder, source));
  const packages = folders.filter((folder) => existsSync(path.join(folder, 'package.json')));
  return (
    all.find((candidate) => candidate !== file && existsSync(candidate)) ??
    path.join(packages[0] ?? path.dirname(file), source)
  );
}
