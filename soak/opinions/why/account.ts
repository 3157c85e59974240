/** What why-is-node-running prints, read: a handle for each paragraph. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the probe lies. */
const OWN = fileURLToPath(new URL('../../../probe/', import.meta.url));

export interface TheirHandle {
  /** Of async_hooks, such as `TCPSERVERWRAP`. */
  type: string;
  /** Innermost first, without Node's own; empty where it knows none. */
  stack: { file: string; line: number }[];
}

/** `cwd`: of the program, which its paths are relative to. Frames of outlive's own are left out. */
export function theirHandles(text: string, cwd: string): TheirHandle[] {
  return text
    .split(/^# /m)
    .slice(1)
    .map((paragraph) => {
      const [type = '', ...lines] = paragraph.trim().split('\n');
      return { type: type.trim(), stack: lines.flatMap((line) => frameOf(line, cwd)) };
    });
}

function frameOf(line: string, cwd: string): TheirHandle['stack'] {
  const [, file, number] = /^(.+?):(\d+)(?:\s+- .*)?$/.exec(line) ?? [];
  if (file === undefined) return [];
  const whole = path.resolve(cwd, file);
  return whole.startsWith(OWN) ? [] : [{ file: whole, line: Number(number) }];
}
