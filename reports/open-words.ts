/** What is still open, in words. */
import type { Keeper, Open, Report } from '../probe/recording/report.ts';
import { amount, duration, noun, number } from './words.ts';

type Where = (file: string) => string;

/** Those that no finding is about already. */
export function openBesideFindings({ open, findings }: Report): Open[] {
  const placeOf = ({ kind, site }: Pick<Open, 'kind' | 'site'>) => site && `${kind} ${site.file}:${site.line}`;
  const found = new Set(findings.map(placeOf));
  return open.filter((row) => row.site === null || !found.has(placeOf(row)));
}

/** `3 setInterval timers`, `2 sockets`. */
export function openAmount({ kind, library, count }: Pick<Open, 'kind' | 'library' | 'count'>): string {
  return library === 'node' ? amount(count, kind) : `${number(count)} ${library} ${noun(count, kind)}`;
}

/** `jobs.js:12 heartbeat`, `to 10.0.0.1:5432`; empty where nothing is known. */
export function openPlace({ site, about }: Pick<Open, 'site' | 'about'>, where: Where): string {
  return site ? `${where(site.file)}:${site.line} ${site.function}`.trim() : (about ?? '');
}

/** `3 setInterval timers, jobs.js:12 heartbeat, oldest 3 min`. */
export function openLine(row: Open, where: Where): string {
  const age = row.oldestMs === null ? null : `${row.count > 1 ? 'oldest ' : ''}${duration(row.oldestMs)}`;
  const place = openPlace(row, where);
  const isPlain = row.site === null && place !== '';
  const unknown = row.before ? '' : 'line not known';
  const words = isPlain ? [`${openAmount(row)} ${place}`, age] : [openAmount(row), place || unknown, age];
  const held = row.held?.[0];
  const before = row.before && 'from before outlive came';
  return [...words, before, held && `held by ${held}`].filter(Boolean).join(', ');
}

/** `setInterval at jobs.js:12 (1), 3 sockets to 10.0.0.1:5432`. */
export function keptAliveWords(keepers: readonly Keeper[], where: Where): string {
  return keepers
    .map((keeper) => {
      const { kind, library, count, site, about } = keeper;
      if (!site) return [openAmount(keeper), about].filter(Boolean).join(' ');
      const what = kind === 'timer' ? library : `${library} ${noun(1, kind)}`;
      return `${what} at ${where(site.file)}:${site.line} (${number(count)})`;
    })
    .join(', ');
}
