/** Watches a database's own side while something runs. */
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { watchDatabase } from '../../database/index.ts';
import { type DatabaseRecording, readDatabase } from '../../probe/recording/database.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { until } from './until.ts';

/** `work` gets what has been written so far. */
export async function watchedWhile(
  url: string,
  work: (written: () => string) => Promise<unknown>,
): Promise<DatabaseRecording> {
  using folder = temporaryFolder();
  const sampler = await watchDatabase(url, folder.path);
  const written = () => readFileSync(sampler.file, 'utf8');
  try {
    await until('the first look', () => existsSync(sampler.file));
    await work(written);
  } finally {
    await sampler.stop();
  }
  const recording = readDatabase(sampler.file);
  if (typeof recording === 'string') throw new Error(recording);
  expect(recording.problems).toEqual([]);
  // the password of the URL, and values in statements, stay out
  expect(written()).not.toMatch(new RegExp(`${new URL(url).password}|a secret`));
  return recording;
}

/** How often the sampler has connected. */
export const connects = (written: string): number => written.split('"t":"server"').length - 1;
