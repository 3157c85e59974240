/**
 * From the code that Vite made to the code that was written, by the maps that Vitest's worker keeps from version 4 on.
 * Before that Node.js has them, and the probe has asked it already.
 */
import { SourceMap, type SourceMapPayload } from 'node:module';
import path from 'node:path';
import type { Frame } from './format.ts';

type Place = Pick<Frame, 'file' | 'line' | 'column'>;

/** A map, or what was made of it. */
type Kept = SourceMapPayload | { map: SourceMapPayload };

/** What this needs of the state of a worker. */
export interface WorkerState {
  evaluatedModules?: {
    fileToModulesMap: { get(file: string): Iterable<{ id: string }> | undefined };
    getModuleSourceMapById(id: string): Kept | null;
  };
}

/** Null where there is no map, or none that can be read. */
export function originalIn<P extends Place>({ evaluatedModules }: WorkerState, frame: P): P | null {
  try {
    const modules = [...(evaluatedModules?.fileToModulesMap.get(frame.file) ?? [])];
    const map = modules.map(({ id }) => evaluatedModules?.getModuleSourceMapById(id)).find(Boolean);
    return map ? mapped(frame, 'map' in map ? map.map : map) : null;
  } catch {
    return null;
  }
}

function mapped<P extends Place>(frame: P, payload: SourceMapPayload): P | null {
  const entry = new SourceMap(payload).findEntry(frame.line - 1, frame.column - 1);
  if (!('originalSource' in entry)) return null;
  // each module is of one source, whose name may be given in any way
  const source = path.resolve(path.dirname(frame.file), entry.originalSource);
  const file = payload.sources.length === 1 ? frame.file : source;
  return { ...frame, file, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}
