/** The probe is tested as it is used: built, in processes of its own. */
import { execFileSync } from 'node:child_process';

export default function build(): void {
  execFileSync('node', ['build.mjs'], { stdio: 'inherit' });
}
