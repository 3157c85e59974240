/** Reads recordings back, from whatever is left of them. */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { type DatabaseRecording, isDatabaseRecording, readDatabases } from './database.ts';
import { type Line, type ProcessLine, RECORDING_SCHEMA, type Recording } from './format.ts';
import { readLines } from './lines.ts';

/** Wrong use or unreadable input: one sentence, meant for the person who asked. */
export class InputError extends Error {
  override name = 'InputError';
}

/** A run's folder: its processes, oldest first, the databases that were watched beside them, and what was unreadable. */
export interface Run {
  recordings: Recording[];
  databases: DatabaseRecording[];
  problems: string[];
}

/** Throws `InputError` when there is nothing to read. */
export function readRun(folder: string): Run {
  let names: string[];
  try {
    if (!statSync(folder).isDirectory()) throw new InputError(`${folder} is a file; give the folder of a run.`);
    names = readdirSync(folder).filter((name) => name.endsWith('.jsonl') && !isDatabaseRecording(name));
  } catch (error) {
    if (error instanceof InputError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new InputError(`There is no folder ${folder}.`);
    throw new InputError(`${folder} cannot be read (${code}).`);
  }
  if (names.length === 0) throw new InputError(`${folder} holds no recording (*.jsonl); nothing was probed there.`);
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

/** One recording, or a sentence that says why it is none. */
export function readRecording(file: string): Recording | string {
  const read = readLines<Line>(file);
  if (typeof read === 'string') return read;
  const name = path.basename(file);
  const [first] = read.lines;
  if (first?.t !== 'process') return `${name} is not a recording of outlive.`;
  if (first.schema !== RECORDING_SCHEMA)
    return `${name} is of format ${first.schema}; this version reads ${RECORDING_SCHEMA}.`;

  const recording = emptyRecording(file, first);
  for (const line of read.lines) fold(recording, line);
  if (read.problem !== null) recording.problems.push(read.problem);
  return recording;
}

function emptyRecording(file: string, process: ProcessLine): Recording {
  return {
    file,
    process,
    adapters: [],
    unsupported: [],
    sites: new Map(),
    pools: new Map(),
    samples: [],
    runs: [],
    scopes: [],
    totals: [],
    lines: [],
    held: [],
    findings: new Map(),
    withdrawn: [],
    notices: new Map(),
    end: null,
    cost: null,
    lastAt: 0,
    problems: [],
  };
}

function fold(recording: Recording, line: Line): void {
  if ('at' in line && line.at > recording.lastAt) recording.lastAt = line.at;
  switch (line.t) {
    case 'adapter':
      recording.adapters.push(line.name);
      break;
    case 'unsupported':
      recording.unsupported.push(line.what);
      break;
    case 'site':
      recording.sites.set(line.id, line.stack);
      break;
    case 'pool':
      recording.pools.set(line.id, line);
      break;
    case 'sample':
      recording.samples.push(line);
      break;
    case 'run':
      recording.runs.push(line);
      break;
    case 'scopes':
      recording.scopes = line.scopes;
      break;
    case 'totals':
      recording.totals = line.sites;
      break;
    case 'lines':
      recording.lines = line.lines;
      break;
    case 'held':
      recording.held.push(line);
      break;
    case 'finding':
      recording.findings.set(line.key, {
        at: recording.findings.get(line.key)?.at ?? line.at,
        finding: line.finding,
      });
      break;
    case 'withdrawn': {
      const found = recording.findings.get(line.key);
      recording.findings.delete(line.key);
      if (found) recording.withdrawn.push({ at: line.at, finding: found.finding, why: line.why });
      break;
    }
    case 'notice':
      recording.notices.set(JSON.stringify([line.library, line.pool, line.name]), line);
      break;
    case 'cost':
      recording.cost = line;
      break;
    case 'end':
      recording.end = line;
      break;
  }
}
