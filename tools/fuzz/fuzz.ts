/**
 * What comes from outside, changed at random: recordings, load files, databases' recordings, SQL, texts, command lines,
 * and what is said at a soak's side door.
 * No crash (a `UserError` is an answer), no secret left, and the same case again by its seed.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FORMATS } from '../../cli/formats.ts';
import type { answerOf, linesOf, orderOf } from '../../probe/control/protocol.ts';
import type { mask, maskArguments } from '../../probe/recording/mask.ts';
import type { sqlShape } from '../../probe/recording/sql-shape.ts';
import type { reportRun } from '../../reports/run.ts';
import type { UserError } from '../../user-error.ts';
import { doorText } from './door.ts';
import { Random } from './random.ts';
import { brokenRun } from './recordings.ts';
import { SECRET, statement } from './statements.ts';
import { commandLine, cutText } from './texts.ts';

/** What is tried: the sources', or those that were built. */
export interface Subject {
  mask: typeof mask;
  maskArguments: typeof maskArguments;
  sqlShape: typeof sqlShape;
  reportRun: typeof reportRun;
  FORMATS: typeof FORMATS;
  linesOf: typeof linesOf;
  orderOf: typeof orderOf;
  answerOf: typeof answerOf;
  UserError: typeof UserError;
}

export interface Failure {
  of: string;
  seed: number;
  what: string;
}

/** Tries one case; what is wrong, or null. */
type Attempt = (random: Random, subject: Subject, folder: string) => string | null;

const ATTEMPTS: Readonly<Record<string, { share: number; attempt: Attempt }>> = {
  statements: {
    share: 0.4,
    attempt(random, { sqlShape }) {
      const sql = statement(random);
      const shape = sqlShape(sql);
      return leftIn(shape, sql) ?? (shape.length > 80 ? `${shape.length} characters of ${JSON.stringify(sql)}` : null);
    },
  },
  texts: {
    share: 0.25,
    attempt(random, { mask }) {
      const { text, most } = cutText(random);
      const masked = mask(text, most);
      return leftIn(masked, text) ?? (masked.length > most ? `more than ${most} of ${JSON.stringify(text)}` : null);
    },
  },
  'command lines': {
    share: 0.1,
    attempt(random, { maskArguments }) {
      const line = commandLine(random);
      return leftIn(JSON.stringify(maskArguments(line)), JSON.stringify(line));
    },
  },
  'the door': {
    share: 0.1,
    attempt(random, { linesOf, orderOf, answerOf }) {
      let rest = '';
      for (const chunk of doorText(random)) {
        const split = linesOf(rest, chunk, 200);
        if (split === null) return null;
        rest = split.rest;
        for (const line of split.lines) {
          const said = orderOf(line) ?? answerOf(line);
          if (said !== null && typeof said.id !== 'number') return `${JSON.stringify(line)} is taken`;
        }
      }
      return rest.length > 200 ? `${rest.length} characters are kept` : null;
    },
  },
  recordings: {
    share: 0.15,
    attempt(random, { reportRun, FORMATS, UserError }, folder) {
      const files = brokenRun(random);
      for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(folder, name), bytes);
      try {
        const { render } = random.pick(Object.values(FORMATS));
        render({ ...reportRun([folder]), comparison: null });
      } catch (error) {
        if (!(error instanceof UserError)) return String((error as Error).stack);
      }
      return null;
    },
  },
};

function leftIn(result: string, from: string): string | null {
  return result.includes(SECRET) ? `${JSON.stringify(result)} is left of ${JSON.stringify(from)}` : null;
}

export interface Options {
  seed: number;
  cases: number;
  limit?: number;
}

/** `cases` of all kinds together. At most `limit` failures are kept. */
export function fuzz(subject: Subject, { seed, cases, limit = 20 }: Options): Failure[] {
  const failures: Failure[] = [];
  const folder = mkdtempSync(path.join(tmpdir(), 'outlive-fuzz-'));
  try {
    for (const [of, { share, attempt }] of Object.entries(ATTEMPTS)) {
      for (let number = 0; number < cases * share; number++) {
        const own = seed + number;
        const what = attempted(() => attempt(new Random(own), subject, folder));
        if (what !== null && failures.push({ of, seed: own, what }) >= limit) return failures;
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return failures;
}

function attempted(attempt: () => string | null): string | null {
  try {
    return attempt();
  } catch (error) {
    return String((error as Error).stack);
  }
}
