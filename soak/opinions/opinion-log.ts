/** Writes what another tool said beside the recordings. */
import { appendFileSync, closeSync } from 'node:fs';
import path from 'node:path';
import { OPINIONS_FILE, type Opinion } from '../../probe/recording/opinions.ts';
import { appendOwn } from '../../probe/recording/own.ts';

export function noteOpinion(folder: string, opinion: Opinion): void {
  const descriptor = appendOwn(path.join(folder, OPINIONS_FILE));
  appendFileSync(descriptor, `${JSON.stringify(opinion)}\n`);
  closeSync(descriptor);
}
