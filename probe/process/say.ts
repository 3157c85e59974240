/** A line to whoever runs the service, at once, past whatever stands around `process.stderr`. */
import { writeSync } from './runtime.ts';

const STDERR = 2;

export function say(text: string): void {
  try {
    writeSync(STDERR, `${text}\n`);
  } catch {
    // nobody reads it, or not now
  }
}
