/** Where root looks into another user's process, that user gets root to read nothing else, and to leave nothing. */
import { readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { handedOver } from '../attach/hand-over.ts';
import { factsOf, type ProcessFacts } from '../attach/proc.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const NOBODY = 65_534;
const facts: ProcessFacts = { ...(factsOf(process.pid) as ProcessFacts), uid: NOBODY };

test.skipIf(process.getuid?.() !== 0)('a link in the place of the folder is not followed', async () => {
  using roots = temporaryFolder();
  using out = temporaryFolder();
  using elsewhere = temporaryFolder();
  writeFileSync(path.join(roots.path, 'payroll.jsonl'), '{}\n');
  const moved = path.join(elsewhere.path, 'moved');
  await handedOver(out.path, facts, async ({ folder }) => {
    writeFileSync(path.join(folder, 'process-1.jsonl'), '{}\n');
    renameSync(folder, moved);
    symlinkSync(roots.path, folder);
  });
  expect(readdirSync(out.path)).toEqual(['process-1.jsonl']);
  expect(readdirSync(roots.path)).toEqual(['payroll.jsonl']);
  expect(readdirSync(moved)).toEqual([]);
});
