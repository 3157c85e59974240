import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Removed when the block that holds it ends. */
export function temporaryFolder(): { path: string } & Disposable {
  const folder = mkdtempSync(path.join(tmpdir(), 'outlive-test-'));
  return { path: folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
