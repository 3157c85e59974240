/** The driver's side of a measured process. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CostLine } from '../probe/recording/format.ts';
import { pinSubject } from './pin.ts';
import { ROOT, type Variant } from './variants.ts';
import type { Answer, Command } from './workloads/meter.ts';

export interface Workload {
  /** In bench/workloads. */
  file: string;
  args?: string[];
  /** Node's options. */
  flags?: string[];
  env?: Record<string, string>;
}

const running = new Set<Subject>();
/** For a driver that is interrupted. */
export function removeSubjects(): void {
  for (const subject of running) subject.remove();
}

export class Subject implements AsyncDisposable {
  /** What the workload said when it was ready. */
  hello = '';
  private readonly child: ChildProcess;
  private readonly folder: string;
  private answered: ((value: number | string) => void) | null = null;
  private failed: ((error: Error) => void) | null = null;
  private isEnding = false;

  private constructor(child: ChildProcess, folder: string, name: string) {
    this.child = child;
    this.folder = folder;
    child.on('message', ({ value }: Answer) => this.answered?.(value));
    child.on('exit', (code, signal) => {
      if (!this.isEnding)
        this.failed?.(new Error(`The measured process (${name}) ended by ${signal ?? `code ${code}`}.`));
    });
  }

  static async start({ file, args = [], flags = [], env = {} }: Workload, variant: Variant): Promise<Subject> {
    const folder = mkdtempSync(path.join(tmpdir(), 'outlive-bench-'));
    const child = fork(path.join(ROOT, 'bench/workloads', file), args, {
      execArgv: ['--no-warnings', ...flags, ...variant.preload],
      env: { ...process.env, ...env, ...variant.env, OUTLIVE_OUT: folder },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    pinSubject(child.pid);
    const subject = new Subject(child, folder, `${file}, ${variant.name}`);
    running.add(subject);
    subject.hello = String(await subject.answer());
    return subject;
  }

  /** CPU microseconds of the process while `work` is done. */
  async measure(work: () => Promise<unknown>): Promise<number> {
    await this.ask({ do: 'begin' });
    await work();
    return Number(await this.ask({ do: 'end' }));
  }

  async run(units: number): Promise<number> {
    return Number(await this.ask({ do: 'run', units }));
  }

  /** What the probe in it says that it has cost, CPU milliseconds; null without a probe. */
  account(): number | null {
    const [name] = readdirSync(this.folder).filter((file) => file.endsWith('.jsonl'));
    if (name === undefined) return null;
    const lines = readFileSync(path.join(this.folder, name), 'utf8').split('\n');
    const last = lines.findLast((line) => line.startsWith('{"t":"cost"') && line.endsWith('}'));
    return last === undefined ? 0 : (JSON.parse(last) as CostLine).cpuMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isEnding = true;
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = new Promise((resolve) => this.child.once('exit', resolve));
      this.child.kill('SIGKILL');
      await gone;
    }
    this.remove();
  }

  remove(): void {
    this.child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
    running.delete(this);
  }

  private ask(command: Command): Promise<number | string> {
    this.child.send(command);
    return this.answer();
  }

  private answer(): Promise<number | string> {
    return new Promise((resolve, reject) => {
      this.answered = resolve;
      this.failed = reject;
    });
  }
}
