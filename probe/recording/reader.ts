/** Reads a run's folder back, from whatever is left of it. */

import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../user-error.ts';
import { type DatabaseRecording, isDatabaseRecording, readDatabases } from './database.ts';
import type { Recording } from './format.ts';
import { LOAD_FILE } from './load.ts';
import { OPINIONS_FILE } from './opinions.ts';
import { readRecording } from './read-recording.ts';

/** A run's folder: its processes, oldest first, the databases that were watched beside them, and what was unreadable. */
export interface Run {
  recordings: Recording[];
  databases: DatabaseRecording[];
  problems: string[];
}

/** `isOf`: which recordings to read, by their names. Throws `UserError` when there is nothing to read. */
export function readRun(folder: string, isOf: (name: string) => boolean = () => true): Run {
  let names: string[];
  try {
    if (!statSync(folder).isDirectory()) throw new UserError(`${folder} is a file; give the folder of a run.`);
    names = readdirSync(folder).filter((name) => isRecording(name) && isOf(name));
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new UserError(`There is no folder ${folder}.`);
    throw new UserError(`${folder} cannot be read (${code}).`);
  }
  if (names.length === 0) throw new UserError(`${folder} holds no recording (*.jsonl); nothing was probed there.`);
  const { databases, problems } = readDatabases(folder);
  const recordings = names.sort().flatMap((name) => {
    const recording = readRecording(path.join(folder, name));
    if (typeof recording !== 'string') return [recording];
    problems.push(recording);
    return [];
  });
  recordings.sort((a, b) => a.process.startedMs - b.process.startedMs);
  return { recordings, databases, problems };
}

/** By its name: the load, what other tools said and the databases lie beside the recordings of processes. */
export function isRecording(name: string): boolean {
  return name.endsWith('.jsonl') && name !== LOAD_FILE && name !== OPINIONS_FILE && !isDatabaseRecording(name);
}
