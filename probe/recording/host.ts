import { readFileSync } from 'node:fs';

/** As `os.hostname` tells it; that module is loaded only where nothing else does. */
export function hostName(): string {
  try {
    return readFileSync('/proc/sys/kernel/hostname', 'utf8').trim();
  } catch {
    return process.getBuiltinModule('node:os').hostname();
  }
}
