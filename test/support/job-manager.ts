import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from './until.ts';

export const ROOT = join(import.meta.dirname, '../..');
/** The program of `npm run cluster`. */
export const CLUSTER = join(ROOT, 'pipeline/cluster/main.ts');
export const MODULES = join(ROOT, 'test/fixtures/cluster/modules');

interface Answer {
  status: number;
  body: Record<string, never>;
}

/** As its clients see it: a process of its own, asked by HTTP. */
export class JobManager {
  readonly url: string;
  /** With every request. */
  headers: Record<string, string> = {};
  readonly #child: ReturnType<typeof spawn>;
  /** What it told people so far. */
  readonly said: () => string;

  private constructor(url: string, child: ReturnType<typeof spawn>, said: () => string) {
    this.url = url;
    this.#child = child;
    this.said = said;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  static async start(...options: string[]): Promise<JobManager> {
    const args = [CLUSTER, '--port', '0', ...options];
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    for await (const line of createInterface(child.stdout)) {
      return new JobManager(line.replace('job manager: ', ''), child, () => said);
    }
    process.stderr.write(said);
    throw new Error('the job manager ended before it listened');
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill(signal);
    await ended;
  }

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await fetch(this.url + path, {
      method,
      headers: { ...this.headers, ...type, ...headers },
      body: text ?? null,
    });
    return { status: answer.status, body: (await answer.json()) as never };
  }

  async submit(body: unknown): Promise<string> {
    const { status, body: said } = await this.ask('POST', '/jobs', body);
    if (status !== 202) throw new Error(`the job was refused: ${JSON.stringify(said)}`);
    return String(said.jobid);
  }

  async job(
    id: string,
  ): Promise<{ state: string; runs: number; completed: number; restarts: number; result: unknown; error: string }> {
    return (await this.ask('GET', `/jobs/${id}`)).body as never;
  }

  async reaches(id: string, state: string, limits?: { withinMs: number }): Promise<void> {
    await until(`job ${id} to be ${state}`, async () => (await this.job(id)).state === state, limits);
  }
}
