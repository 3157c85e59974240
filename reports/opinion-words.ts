/** What other tools said, in words. */
import type { KeptAlive, Opinion } from '../probe/recording/opinions.ts';
import type { Report } from '../probe/recording/report.ts';
import { noun, number, plural } from './words.ts';

type Where = (file: string) => string;
type Compared = NonNullable<Opinion['compared']>;

/** Of a terminal: rows of each account. */
const ROWS = 4;

/** Headings of the three parts of a comparison. */
export function partsOf({ tool }: Opinion, compared: Compared): { title: string; rows: KeptAlive[] }[] {
  return [
    { title: 'both name', rows: compared.both },
    { title: `${tool} alone names`, rows: compared.onlyTheirs },
    { title: 'outlive alone names', rows: compared.onlyOurs },
  ].filter(({ rows }) => rows.length > 0);
}

/** `2 setInterval timers at jobs.js:12 heartbeat`, `TTYWRAP`. */
export function keptWords({ kind, type, library, count, site }: KeptAlive, where: Where): string {
  const ours = kind === null ? null : noun(count, kind);
  const what = [library === 'node' ? null : library, ours].filter(Boolean).join(' ') || type;
  const theirs = type !== null && what !== type ? ` (${type})` : '';
  const place = site ? ` at ${where(site.file)}:${site.line} ${site.function}`.trimEnd() : '';
  return `${number(count)} ${what}${theirs}${place}`;
}

/** Tool and version, as a heading. */
export function toolWords({ tool, version }: Opinion): string {
  return version === null ? tool : `${tool} ${version}`;
}

export function opinionLines({ opinions = [] }: Report, where: Where): string[] {
  return opinions.flatMap((opinion) => [
    `${toolWords(opinion)}: ${opinion.sentence}`,
    ...opinion.findings,
    ...(opinion.compared ? partsOf(opinion, opinion.compared) : []).flatMap(({ title, rows }) => [
      `${title} ${rows
        .slice(0, ROWS)
        .map((row) => keptWords(row, where))
        .join('; ')}${rows.length > ROWS ? `; and ${plural(rows.length - ROWS, 'more line')} in report.json` : ''}`,
    ]),
    ...(opinion.page ? [`its page: ${opinion.page} beside the report`] : []),
  ]);
}
