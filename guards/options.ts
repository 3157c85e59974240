/** The options of a guard: variables of the environment, since a test runner's workers inherit them. */
import path from 'node:path';
import { UserError } from '../user-error.ts';

export interface Options {
  /** How long something may take to be given back after its test, milliseconds. */
  settleMs: number;
  /** After the end of a run, how long until it is said what still holds it, milliseconds. */
  hangMs: number;
  /** Whether a run that is held then ends, with a failure. */
  endsHanging: boolean;
  /** Up to which size of the heap a snapshot says who holds what is left open, megabytes; 0: none is written. */
  snapshotMb: number;
  /** The file of leaks that are known; an absolute path. */
  baseline: string;
  updatesBaseline: boolean;
  /** The folder that leaks are written to for `outlive report`, or null. */
  out: string | null;
  /** Whether leaks are said in the way of GitHub Actions. */
  annotates: boolean;
}

const NUMBERS = {
  settleMs: { variable: 'OUTLIVE_TEST_SETTLE_MS', fallback: 1000, most: 60_000 },
  hangMs: { variable: 'OUTLIVE_TEST_HANG_MS', fallback: 3000, most: 600_000 },
  snapshotMb: { variable: 'OUTLIVE_TEST_SNAPSHOT_MB', fallback: 64, most: 4096 },
} as const;

const SWITCHES = { endsHanging: 'OUTLIVE_TEST_END_HANGING', updatesBaseline: 'OUTLIVE_UPDATE_BASELINE' } as const;

/** Throws, in a sentence, when a variable is not what it may be. */
export function readOptions(env: NodeJS.ProcessEnv, argv: readonly string[]): Options {
  return {
    settleMs: numberOf(NUMBERS.settleMs, env),
    hangMs: numberOf(NUMBERS.hangMs, env),
    snapshotMb: numberOf(NUMBERS.snapshotMb, env),
    endsHanging: isOn(SWITCHES.endsHanging, env),
    // a test may change the working directory
    baseline: path.resolve(env.OUTLIVE_BASELINE || 'outlive.baseline.json'),
    updatesBaseline: isOn(SWITCHES.updatesBaseline, env) || argv.includes('--update-outlive-baseline'),
    out: env.OUTLIVE_OUT || null,
    annotates: env.GITHUB_ACTIONS === 'true',
  };
}

function numberOf(
  { variable, fallback, most }: (typeof NUMBERS)[keyof typeof NUMBERS],
  env: NodeJS.ProcessEnv,
): number {
  const text = env[variable] ?? '';
  if (text === '') return fallback;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= most) return number;
  throw new UserError(`${variable} must be a whole number from 0 to ${most}, not "${text}".`);
}

function isOn(variable: string, env: NodeJS.ProcessEnv): boolean {
  const text = env[variable] ?? '';
  if (!['', '0', '1'].includes(text)) throw new UserError(`${variable} must be 0 or 1, not "${text}".`);
  return text === '1';
}
