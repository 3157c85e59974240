/** The probe is tested as it is used: built, in processes of its own. Built once, when the first test asks (see built.ts). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestProject } from 'vitest/node';
import { openDesk } from './desk.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The desk that answers when dist is built. */
    build: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const desk = await openDesk(build, () => '');
  project.provide('build', desk.url);
  return async () => void (await desk.close().catch(() => {}));
}

async function build(): Promise<void> {
  // a run that follows on another has just been built
  if (process.env.OUTLIVE_TEST_BUILT) return;
  const [code] = await once(spawn('node', ['build.mjs'], { stdio: 'inherit' }), 'exit');
  if (code !== 0) throw new Error('dist could not be built; what the compiler said is above.');
}
