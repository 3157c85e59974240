/** What is said of a place in a source: where it lies in its package, which of equal lines it is, and the text around. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Excerpt, Place } from './format.ts';
import type { Sources } from './source.ts';
import type { Position } from './source-map.ts';

export function placeOf(position: Position, sources: Sources): Place {
  const { file, line } = position;
  const lines = sources.lines(file);
  const text = lines?.[line - 1]?.trim();
  const ordinal = lines?.slice(0, line - 1).filter((each) => each.trim() === text).length ?? 0;
  return { module: packageRelative(file), ordinal, excerpt: sources.excerpt(position), isCompiled: false };
}

/** The line of the place as it is shown; empty when it is not known. */
export function lineOf(excerpt: Excerpt | null, line: number): string {
  return excerpt?.lines[line - excerpt.first] ?? '';
}

function packageRelative(file: string): string {
  for (let folder = path.dirname(file); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    try {
      const { name } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { name?: string };
      if (name) return `${name}/${path.relative(folder, file).split(path.sep).join('/')}`;
    } catch {
      // no manifest here: look further up
    }
  }
  return path.basename(file);
}
