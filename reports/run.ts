/** A run's folder → its whole report: what the processes recorded, what stood out, and the database's side. */
import { storeReport } from '../probe/recording/assemble.ts';
import { buildReport } from '../probe/recording/build-report.ts';
import type { Recording } from '../probe/recording/format.ts';
import { readLoad } from '../probe/recording/load.ts';
import { readOpinions } from '../probe/recording/opinions.ts';
import { readRun } from '../probe/recording/reader.ts';
import type { Report } from '../probe/recording/report.ts';
import { alarmsIn } from './alarms.ts';
import { isFile, readCollectorLogs } from './collector-logs.ts';
import { databaseReport } from './database/report.ts';
import { runsIn } from './runs.ts';
import { reportOfTests } from './tests.ts';

export interface RunReport {
  report: Report;
  recordings: Recording[];
}

/** Several folders, or files of a collector's logs, are read as one run. Writes nothing. Throws `UserError` when there is nothing to read. */
export function reportRun(folders: readonly string[]): RunReport {
  const runs = folders.map((where) => (isFile(where) ? readCollectorLogs(where) : readRun(where)));
  const recordings = runs.flatMap((run) => run.recordings);
  recordings.sort((a, b) => a.process.startedMs - b.process.startedMs);
  const databases = runs.flatMap((run) => run.databases);
  const problems = [...runs.flatMap((run) => run.problems), ...databases.flatMap((database) => database.problems)];
  const [only] = folders;
  const own = folders.length === 1 && only !== undefined && !isFile(only) ? only : null;
  const load = own === null ? null : readLoad(own, problems);
  const opinions = own === null ? [] : readOpinions(own, problems);
  const report = buildReport(recordings, problems, load);
  if (opinions.length > 0) report.opinions = opinions;
  report.alarms = alarmsIn(recordings, databases, load);
  if (databases.length > 0) {
    report.database = { servers: databases.map((database) => databaseReport(database, recordings)) };
  }
  return { report, recordings };
}

/** … and writes the folder's report.json. */
export function writeRunReport(folder: string): RunReport {
  const result = reportRun([folder]);
  storeReport(folder, result.report);
  return result;
}

/** … of whatever lies in the folders and below them, and says which that is. */
export function reportBelow(folders: readonly string[]): RunReport {
  const [only] = folders;
  const tests = folders.length === 1 && only !== undefined && !isFile(only) ? reportOfTests(only) : null;
  if (tests) return { report: tests, recordings: [] };
  const chosen = folders.map((where) => (isFile(where) ? { folders: [where], sentence: null } : runsIn(where)));
  const result = reportRun([...new Set(chosen.flatMap((each) => each.folders))]);
  result.report.problems.unshift(...chosen.flatMap(({ sentence }) => sentence ?? []));
  return result;
}
