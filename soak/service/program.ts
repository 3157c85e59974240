/** A program of the user's, started under the probe: in a process group of its own, its output in a file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { noteDeath } from '../../probe/recording/deaths.ts';
import { mask, maskArguments } from '../../probe/recording/mask.ts';
import { appendOwn } from '../../probe/recording/own.ts';
import { UserError } from '../../user-error.ts';
import type { Control } from '../control.ts';
import { startGuard } from './guard.ts';

const REGISTER = fileURLToPath(new URL('../../probe/register.js', import.meta.url));
/** What a soak sets where the user did not: the rest of the probe's settings is as ever. */
const SOAK = { OUTLIVE_MODE: 'soak', OUTLIVE_SCOPES: 'on', OUTLIVE_GC_MAX_MB: '4096' };
/** Between SIGTERM and SIGKILL, milliseconds. */
const STOP_LIMIT_MS = 10_000;
const POLL_MS = 20;
/** As a shell reports SIGABRT. */
const ABORTED = 134;

/** How a program ended: `exit code 3` or `SIGKILL`. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ProgramOptions {
  /** Program and arguments, or one line for the shell. */
  command: readonly [string, ...string[]] | string;
  /** Where it records, and where `log` is. */
  folder: string;
  log: string;
  /** Where its probe is to come to. */
  control?: Control;
  env?: Record<string, string>;
  /** For its Node.js processes, beside the probe's own. */
  nodeOptions?: string;
  /** False: without the probe, for another tool to look at. */
  isProbed?: boolean;
}

export class Program {
  readonly #child: ChildProcess;
  readonly #log: string;
  /** As it was asked for, without secrets. */
  readonly name: string;
  readonly ended: Promise<Ended>;
  hasEnded: Ended | null = null;

  private constructor(child: ChildProcess, name: string, log: string, ended: Promise<Ended>) {
    this.#child = child;
    this.name = name;
    this.#log = log;
    this.ended = ended;
    ended.then((how) => {
      this.hasEnded = how;
    });
  }

  /** Throws `UserError` when there is no such program. */
  static async start(options: ProgramOptions): Promise<Program> {
    const { command, folder, log, control } = options;
    const file = path.join(folder, log);
    const output = appendOwn(file);
    const isLine = typeof command === 'string';
    const [program, ...args] = isLine ? [command] : command;
    const guard = startGuard(control?.folder ?? null);
    const child = spawn(program, args, {
      shell: isLine,
      // so that what it starts ends with it, and Ctrl-C at our terminal is ours alone
      detached: process.platform !== 'win32',
      stdio: ['ignore', output, output],
      env: environmentOf(options),
    });
    closeSync(output);
    const ended = new Promise<Ended>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    const name = isLine ? mask(command) : maskArguments(command).join(' ');
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', () => reject(new UserError(`${program} cannot be started: there is no such program.`)));
    }).catch((error: unknown) => {
      guard.release();
      throw error;
    });
    guard.watch(child.pid as number);
    ended.then(({ code, signal }) => {
      guard.release();
      if (signal === 'SIGABRT' || code === ABORTED) noteDeath(folder, child.pid as number, 'SIGABRT');
    });
    return new Program(child, name, file, ended);
  }

  /** Asks it to end; whether it did so in time. */
  async ends(limitMs: number = STOP_LIMIT_MS): Promise<boolean> {
    this.#signal('SIGTERM');
    return this.#isGoneWithin(limitMs);
  }

  /** As Ctrl-C does, but the outermost process alone. */
  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  /** Asks it to end, and makes it end after a while. Whether that was needed. Resolves when all its processes are gone. */
  async stop(limitMs: number = STOP_LIMIT_MS): Promise<'stopped' | 'killed'> {
    if (await this.ends(limitMs)) return 'stopped';
    await this.kill(limitMs);
    return 'killed';
  }

  /** Resolves when all its processes are gone. */
  async kill(limitMs: number = STOP_LIMIT_MS): Promise<void> {
    this.#signal('SIGKILL');
    await this.#isGoneWithin(limitMs);
  }

  /** The last line that it printed, or what to say without one. */
  lastWords(): string {
    try {
      const lines = readFileSync(this.#log, 'utf8').trimEnd().split('\n');
      const errors = lines.filter((line) => /^\S*(Error|Exception)\b|EADDRINUSE|^FATAL ERROR\b/.test(line.trim()));
      const last = (errors.at(-1) ?? lines.at(-1) ?? '').trim();
      return last === '' ? 'It printed nothing' : `It said: ${mask(last, 300)}`;
    } catch {
      return 'It printed nothing';
    }
  }

  async #isGoneWithin(limitMs: number): Promise<boolean> {
    for (let waited = 0; waited <= limitMs; waited += POLL_MS) {
      if (this.hasEnded && !this.#signal(0)) return true;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return false;
  }

  /** To all its processes; whether there was one. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    const pid = this.#child.pid as number;
    try {
      return process.kill(process.platform === 'win32' ? pid : -pid, signal);
    } catch {
      return false;
    }
  }
}

function environmentOf(options: ProgramOptions): NodeJS.ProcessEnv {
  const { folder, control, env = {}, nodeOptions, isProbed = true } = options;
  if (!isProbed) return { ...process.env, ...env };
  const probe = `--require ${JSON.stringify(REGISTER)}`;
  return {
    ...SOAK,
    ...process.env,
    ...env,
    ...(control && { OUTLIVE_CONTROL: control.door }),
    OUTLIVE_OUT: folder,
    NODE_OPTIONS: [process.env.NODE_OPTIONS, probe, nodeOptions].filter(Boolean).join(' '),
  };
}

export function howItEnded({ code, signal }: Ended): string {
  if (signal === 'SIGABRT' || code === ABORTED)
    return 'was aborted (SIGABRT), as V8 does when the heap limit is reached';
  return signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
}

/** As a shell reports it. */
export function exitStatus({ code, signal }: Ended, numbers: Readonly<Record<string, number>>): number {
  return code ?? 128 + (numbers[signal ?? ''] ?? 0);
}
