/**
 * What another tool said of the same program: `opinions.jsonl` beside the recordings, a line for each tool, written by the
 * soak that asked it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Check, listOf, maybe, number, oneOf, shape, text } from './check.ts';
import { KINDS, type Kind } from './format.ts';
import { readLines } from './lines.ts';

export const OPINIONS_FILE = 'opinions.jsonl';
/** Where the pages of other tools are, in the run's folder. */
export const OPINIONS_FOLDER = 'opinions';

/** Something that keeps a process alive, in one account or in both. */
export interface KeptAlive {
  /** Null: the other tool's type is none of ours. */
  kind: Kind | null;
  /** What the other tool calls it, such as `TCPSERVERWRAP`; null: it does not name it. */
  type: string | null;
  /** Our word for where it comes from, `setInterval`; null: we do not name it. */
  library: string | null;
  count: number;
  site: { file: string; line: number; function: string } | null;
  /** Why only one of the two names it; one plain sentence, null where both do. */
  why: string | null;
}

export interface Opinion {
  /** `why-is-node-running`, `clinic doctor`. */
  tool: string;
  /** Null: it is not installed. */
  version: string | null;
  /** What it says, or why it could not be asked; one plain sentence. */
  sentence: string;
  /** What it found, in plain sentences, most important first. */
  findings: string[];
  /** Its own page, relative to the report's folder; null: it made none. */
  page: string | null;
  /** Its account of what keeps the program alive, compared with ours; null where it gives none. */
  compared: { both: KeptAlive[]; onlyTheirs: KeptAlive[]; onlyOurs: KeptAlive[] } | null;
}

/** None when nobody was asked; sentences on what is missing go to `problems`. */
export function readOpinions(folder: string, problems: string[]): Opinion[] {
  const file = path.join(folder, OPINIONS_FILE);
  if (!existsSync(file)) return [];
  const opinions: Opinion[] = [];
  const unreadable = readLines(file, isSound, (opinion) => opinions.push(opinion) > 0);
  if (unreadable !== null) problems.push(unreadable);
  return opinions;
}

const kept = listOf(
  shape({
    ...{ kind: maybe(oneOf(KINDS)), type: maybe(text), library: maybe(text), count: number, why: maybe(text) },
    site: maybe(shape({ file: text, line: number, function: text })),
  }),
);

const SOUND: Check = shape({
  ...{ tool: text, version: maybe(text), sentence: text, findings: listOf(text), page: maybe(isBelow) },
  compared: maybe(shape({ both: kept, onlyTheirs: kept, onlyOurs: kept })),
});

function isSound(line: unknown): line is Opinion {
  return SOUND(line);
}

/** A link of the report leads nowhere but into its own folder. */
function isBelow(value: unknown): boolean {
  return typeof value === 'string' && /^opinions\/[\w.-]+\.html$/.test(value);
}
