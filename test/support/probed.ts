/** Runs a small program under the built probe, and reads the report that it leaves. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Finding, Report } from '../../probe/recording/report.ts';

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));
export const REGISTER: string = path.join(ROOT, 'dist/probe/register.js');
export const CLI: string = path.join(ROOT, 'dist/cli/main.js');

/** A program of test/fixtures/programs. */
export function fixture(name: string): string {
  return path.join(ROOT, 'test/fixtures/programs', name);
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface StartOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Called with all of stdout so far; may signal the program. */
  onStdout?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

export function start(command: string, args: string[], { env = {}, cwd = ROOT, onStdout }: StartOptions = {}) {
  return new Promise<Ended>((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      onStdout?.(stdout, (signal) => child.kill(signal));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** A temporary folder, removed when the block that holds it ends. */
export function temporaryFolder(): { path: string } & Disposable {
  const folder = mkdtempSync(path.join(tmpdir(), 'outlive-test-'));
  return { path: folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface Probed extends Ended {
  report: Report;
}

/** Runs `node program args` with the probe preloaded, to its end. What it writes is removed, unless `out` is given. */
export async function probed(
  program: string,
  args: string[] = [],
  options: StartOptions & { out?: string } = {},
): Promise<Probed> {
  using folder = temporaryFolder();
  const out = options.out ?? folder.path;
  const env = { OUTLIVE_OUT: out, ...options.env };
  const ended = await start(process.execPath, ['--require', REGISTER, program, ...args], { ...options, env });
  return { ...ended, report: readReport(out) };
}

export function readReport(folder: string): Report {
  return JSON.parse(readFileSync(path.join(folder, 'report.json'), 'utf8')) as Report;
}

/** `file:line` of the only line that holds `text`. */
export function lineOf(file: string, text: string): string {
  const lines = readFileSync(file, 'utf8').split('\n');
  const hits = lines.flatMap((line, index) => (line.includes(text) ? [index + 1] : []));
  if (hits.length !== 1) throw new Error(`"${text}" is on ${hits.length} lines of ${file}`);
  return `${file}:${hits[0]}`;
}

export function placeOf({ site }: Finding): string | null {
  return site && `${site.file}:${site.line}`;
}

/** What was seen of one library: work done is the other half of a clean verdict. */
export function watched({ watched }: Report, library: string): { acquired: number; released: number } {
  const { acquired = 0, released = 0 } = watched.find((row) => row.library === library) ?? {};
  return { acquired, released };
}
