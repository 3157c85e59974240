/** The folder that all threads of a process write to. */
import path from 'node:path';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { FOLDER, newRunFolder } from '../recording/folder.ts';

/** `out`: as set, or empty. Worker threads write beside their main thread, whatever environment they are given. */
export function folderOfRun(out: string): string {
  const folder = path.resolve(String(getEnvironmentData(FOLDER) ?? '') || out || newRunFolder());
  setEnvironmentData(FOLDER, folder);
  return folder;
}
