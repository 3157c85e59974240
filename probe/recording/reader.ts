/** Reads recordings back, from whatever is left of them. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { type Line, type ProcessLine, RECORDING_SCHEMA, type Recording } from './format.ts';

/** Wrong use or unreadable input: one sentence, meant for the person who asked. */
export class InputError extends Error {
  override name = 'InputError';
}

/** All recordings of a run's folder, oldest process first. Throws `InputError` when there is nothing to read. */
export function readRun(folder: string): { recordings: Recording[]; problems: string[] } {
  let names: string[];
  try {
    if (!statSync(folder).isDirectory()) throw new InputError(`${folder} is a file; give the folder of a run.`);
    names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  } catch (error) {
    if (error instanceof InputError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new InputError(`There is no folder ${folder}.`);
    throw new InputError(`${folder} cannot be read (${code}).`);
  }
  if (names.length === 0) throw new InputError(`${folder} holds no recording (*.jsonl); nothing was probed there.`);
  const problems: string[] = [];
  const recordings = names.sort().flatMap((name) => {
    const recording = readRecording(path.join(folder, name));
    if (typeof recording !== 'string') return [recording];
    problems.push(recording);
    return [];
  });
  recordings.sort((a, b) => a.process.startedMs - b.process.startedMs);
  return { recordings, problems };
}

/** One recording, or a sentence that says why it is none. */
export function readRecording(file: string): Recording | string {
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
  const [first] = lines;
  if (first?.t !== 'process') return `${name} is not a recording of outlive.`;
  if (first.schema !== RECORDING_SCHEMA)
    return `${name} is of format ${first.schema}; this version reads ${RECORDING_SCHEMA}.`;

  const recording = emptyRecording(file, first);
  for (const line of lines) fold(recording, line);
  // a torn last line is what a kill leaves; more than that is damage
  if (torn > 1 || (torn === 1 && text.endsWith('\n'))) {
    recording.problems.push(`${name}: ${torn} unreadable line${torn === 1 ? ' was' : 's were'} skipped.`);
  }
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
