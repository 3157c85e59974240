/**
 * How the only turn of a program that ends by itself went: a file for each process and thread, since at its end nothing
 * can be told through the side door any more.
 */
import path from 'node:path';
import { threadId } from 'node:worker_threads';
import { DEEP, type Sites } from '../../account/site.ts';
import type { Ending } from '../../process/exit.ts';
import { guarded } from '../../process/lapses.ts';
import { ranAsOther, scriptMaps } from '../../record/script-maps.ts';
import { writeOwn } from '../../recording/own.ts';
import { Sources } from '../../recording/source.ts';
import { originalPlace } from '../../recording/source-map.ts';
import { originalIn, type WorkerState } from '../../recording/vitest-maps.ts';
import type { Injector, Place, Turn } from './injector.ts';

export interface LastTurn extends Turn {
  /**
   * It ended before its work was done: by an error that nobody caught, or `process.exit()` in the user's own code. What
   * is open then says nothing. A test runner's exit, and its signal to its workers, are their usual ends.
   */
  isCut: boolean;
  /** Of places in what a loader made in memory (Vite): where they stand in the source, by `keyOf`. */
  origins: Record<string, Place>;
  /** Files of which something else ran that no map explains: of their places nothing is told. */
  lost: string[];
}

/** In a file that is lost. */
const NOWHERE: Place = { file: '', line: 0, column: 0 };

export function keyOf({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

export function tellingAtEnd(injector: Injector, sites: Sites, folder: string): (ending: Ending) => void {
  return function tell({ end, isDrained }: Ending): void {
    const isCut = end === 'crash' || (end === 'exit' && !isDrained && isExitOfUser(sites, tell));
    const file = path.join(folder, `${process.pid}-${threadId}.json`);
    const turn = injector.end();
    writeOwn(file, JSON.stringify({ ...turn, isCut, ...originsOf(turn, sites) } satisfies LastTurn));
  };
}

function originsOf({ calls, left, taken }: Turn, sites: Sites): Pick<LastTurn, 'origins' | 'lost'> {
  const called = calls.flatMap(({ frame, callers }): Place[] => [frame, ...callers]);
  const places = [...called, ...taken, ...left.flatMap(({ frame }) => frame ?? [])];
  const sources = new Sources();
  const others = new Set(
    [...new Set(places.map(({ file }) => file))].filter((file) => {
      const text = sources.text(file);
      return text !== null && ranAsOther(sites.scripts.hashOf(file), file, text) === true;
    }),
  );
  const { __vitest_worker__: worker = {} } = globalThis as { __vitest_worker__?: WorkerState };
  const told = places
    .filter(({ file }) => others.has(file))
    .map((place) => ({ place, kept: originalIn(worker, place) }));
  // a worker has not long to end: the debugger is asked only where nobody else knows
  const unknown = new Set(told.filter(({ kept }) => kept === null).map(({ place }) => place.file));
  const maps = unknown.size > 0 ? guarded('script-maps', scriptMaps, unknown as ReadonlySet<string>) : undefined;
  const origins = told.map(({ place, kept }): [Place, Place | null] => {
    const map = maps?.get(place.file);
    return [place, kept ?? (map ? originalPlace(map, place) : null)];
  });
  return {
    origins: Object.fromEntries(origins.map(([place, origin]) => [keyOf(place), origin ?? NOWHERE])),
    lost: [...others].filter((file) => origins.every(([place, origin]) => place.file !== file || origin === null)),
  };
}

/** A runner counts as the user's program when it is the one that was started: it is told by where it lies. */
function isExitOfUser(sites: Sites, within: (ending: Ending) => void): boolean {
  const site = sites.capture(within, DEEP);
  return site?.user.some((index) => isOfProject(site.stack[index])) === true;
}

function isOfProject(frame: { file: string; user: boolean } | undefined): boolean {
  return frame?.user === true && !/[\\/]node_modules[\\/]/.test(frame.file);
}
