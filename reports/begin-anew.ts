/** A run's folder that an earlier run has used: what that one left goes, so that no report is of both. */
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { getEnvironmentData } from 'node:worker_threads';
import { isDatabaseRecording } from '../probe/recording/database.ts';
import { FOLDER } from '../probe/recording/folder.ts';
import { glance } from '../probe/recording/glance.ts';
import { LOAD_FILE } from '../probe/recording/load.ts';
import { OPINIONS_FILE, OPINIONS_FOLDER } from '../probe/recording/opinions.ts';
import { ownerOf } from '../probe/recording/owner.ts';
import { UserError } from '../user-error.ts';

/** What is made of recordings, and what a soak keeps beside them. */
const BESIDE: readonly string[] = [
  ...['report.json', 'report.html', LOAD_FILE, 'service.log', 'command.log'],
  ...[OPINIONS_FILE, OPINIONS_FOLDER],
];

/** By these, processes of a run tell a finding once together. */
const TOLD = /^told-[\da-f]{12}$/;
/** Recordings, and what was found out about each. */
const OF_PROCESS = /^\d+-\d+-\d+\.[\w.]+$/;

/** Throws `UserError` when that run goes on, unless this process is part of it. */
export function beginAnew(folder: string): void {
  const names = readdirSync(folder);
  const recordings = names.filter((name) => ownerOf(name) !== null);
  const isUsed = recordings.length > 0 || names.includes(LOAD_FILE);
  if (!isUsed || getEnvironmentData(FOLDER) === folder) return;
  const running = recordings.map((name) => glance(path.join(folder, name))).find((each) => each?.isRunning);
  if (running) {
    throw new UserError(
      `${folder} is in use: process ${running.pid} still records there. End it, or name another folder by --out DIR.`,
    );
  }
  const isOurs = (name: string) =>
    OF_PROCESS.test(name) || TOLD.test(name) || isDatabaseRecording(name) || BESIDE.includes(name);
  for (const name of names.filter(isOurs)) rmSync(path.join(folder, name), { recursive: name === OPINIONS_FOLDER });
}
