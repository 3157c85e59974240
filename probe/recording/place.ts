/** What is said of a place in a source: where it lies in its package, which of equal lines it is, and the text around. */
import path from 'node:path';
import type { Excerpt, Place, Recording } from './format.ts';
import { textOf } from './readable.ts';
import type { Sources } from './source.ts';
import type { Position } from './source-map.ts';

export function placeOf(position: Position, sources: Sources): Place {
  const { file, line } = position;
  const lines = sources.lines(file);
  const text = lines?.[line - 1]?.trim();
  const ordinal = lines?.slice(0, line - 1).filter((each) => each.trim() === text).length ?? 0;
  return { module: packageRelative(file), ordinal, excerpt: sources.excerpt(position), isCompiled: false };
}

/** As it was recorded: the report may be made where the source is not. What was not there then may be here. */
export function placeIn({ sites, places }: Recording, id: number, frame: number, sources: Sources): Place | undefined {
  const raw = sites.get(id)?.[frame];
  if (!raw) return undefined;
  const original = sources.original(raw);
  const { file, line, column } = original;
  const recorded = places.get(`${file}:${line}:${column}`);
  if (recorded)
    return recorded.excerpt || recorded.isCompiled ? recorded : { ...recorded, excerpt: sources.excerpt(original) };
  const place = placeOf(original, sources);
  const lines = sources.lines(file);
  const isCompiled = original === raw && lines !== null && line > lines.length;
  return isCompiled ? { ...place, isCompiled, excerpt: null } : place;
}

/** Why there is none, in a word. */
export function noExcerpt({ excerpt, isCompiled }: Place): string | null {
  if (isCompiled) return 'what ran is not the text of the file';
  return excerpt ? null : 'source not found on this machine';
}

/** The line of the place as it is shown; empty when it is not known. */
export function lineOf(excerpt: Excerpt | null, line: number): string {
  return excerpt?.lines[line - excerpt.first] ?? '';
}

function packageRelative(file: string): string {
  for (let folder = path.dirname(file); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    try {
      const { name } = JSON.parse(textOf(path.join(folder, 'package.json')) ?? '{}') as { name?: string };
      if (name) return `${name}/${path.relative(folder, file).split(path.sep).join('/')}`;
    } catch {
      // no manifest here: look further up
    }
  }
  return path.basename(file);
}
