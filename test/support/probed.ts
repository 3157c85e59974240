/** Runs a small program under the built probe, and reads the report that it leaves. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Finding, Report } from '../../probe/recording/report.ts';
import '../setup/built.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));
export const REGISTER: string = path.join(ROOT, 'dist/probe/register.js');
export const CLI: string = path.join(ROOT, 'dist/cli/main.js');

/** The Node.js that probed programs run on; `npm run test:matrix` gives others than the tests' own. */
export const NODE: string = process.env.OUTLIVE_TEST_NODE ?? process.execPath;
export const NODE_MAJOR = Number(execFileSync(NODE, ['-p', 'parseInt(process.versions.node)']));
/** Flows can be followed, and requests are scopes by themselves. */
export const FOLLOWS_FLOWS: boolean = NODE_MAJOR >= 24;

/** A program of test/fixtures/programs. */
export function fixture(name: string): string {
  return path.join(ROOT, 'test/fixtures/programs', name);
}

/** `npm run test:matrix -- --core`: a few of what is otherwise tried many times. */
export const IS_CORE: boolean = process.env.OUTLIVE_TEST_CORE !== undefined;

/** Longer than any test may take. */
const LIMIT_MS = 120_000;

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface StartOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Written to its stdin. */
  input?: string;
  /** Called with all of stdout so far; may signal the program. */
  onStdout?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

export function start(command: string, args: string[], { env = {}, cwd = ROOT, input, onStdout }: StartOptions = {}) {
  const stdin = input === undefined ? 'ignore' : 'pipe';
  return new Promise<Ended>((resolve, reject) => {
    // `node` is the same one in a program's own commands
    const PATH = `${path.dirname(NODE)}${path.delimiter}${process.env.PATH}`;
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, PATH, ...env },
      stdio: [stdin, 'pipe', 'pipe'],
      // a program that hangs must not outlive the test that times out on it
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    if (input !== undefined) child.stdin?.end(input);
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      onStdout?.(stdout, (signal) => child.kill(signal));
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
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
  const ended = await start(NODE, ['--require', REGISTER, program, ...args], { ...options, env });
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

/** What was seen of one library, of one kind where it has several: work done is the other half of a clean verdict. */
export function watched({ watched }: Report, library: string, kind?: string): { acquired: number; released: number } {
  const isIt = (row: Report['watched'][number]) => row.library === library && (kind === undefined || row.kind === kind);
  const { acquired = 0, released = 0 } = watched.find(isIt) ?? {};
  return { acquired, released };
}
