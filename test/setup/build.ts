/** The probe is tested as it is used: built, in processes of its own. */
import { execFileSync } from 'node:child_process';

export default function build(): void {
  // a run that follows on another has just been built
  if (process.env.OUTLIVE_TEST_BUILT) return;
  execFileSync('node', ['build.mjs'], { stdio: 'inherit' });
}
