/** A headless Chromium for the tests of the HTML report. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** `$CHROME_PATH`, or the first known name on the PATH; null when there is none, and says how to get one. */
export function findBrowser(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const places = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = [process.env.CHROME_PATH ?? '', ...places].find(isProgram);
  if (found) return found;
  console.error(
    'SKIPPED: the tests of the HTML report need a browser. Install one (`apt-get install chromium`) or set CHROME_PATH.',
  );
  return null;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return file !== '';
  } catch {
    return false;
  }
}

export function launch(executablePath: string, folder: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(join(folder, 'profile'), {
    executablePath,
    artifactsDir: join(folder, 'artifacts'),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
