/** JSON lines, from whatever is left of them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface Lines<Line> {
  lines: Line[];
  /** What was skipped, as a sentence. */
  problem: string | null;
}

/** The lines of a file, or a sentence that says why there are none. */
export function readLines<Line>(file: string): Lines<Line> | string {
  const name = path.basename(file);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return `${name} cannot be read (${(error as NodeJS.ErrnoException).code}).`;
  }
  if (text.trim() === '') return `${name} is empty.`;
  const lines: Line[] = [];
  let torn = 0;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    try {
      lines.push(JSON.parse(line) as Line);
    } catch {
      torn++;
    }
  }
  // a torn last line is what a kill leaves; more than that is damage
  const isDamaged = torn > 1 || (torn === 1 && text.endsWith('\n'));
  return {
    lines,
    problem: isDamaged ? `${name}: ${torn} unreadable line${torn === 1 ? ' was' : 's were'} skipped.` : null,
  };
}
