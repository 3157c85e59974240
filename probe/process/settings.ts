/** Every `OUTLIVE_*` variable: one table, read by the probe, checked and explained by `outlive run`. */

import { ADAPTERS } from '../adapters.ts';

/** What can be left out: any adapter, and handing the probe down to child processes and threads. */
const CAN_BE_OFF: readonly string[] = [...ADAPTERS.map(({ name }) => name), 'children'];

interface Setting {
  variable: string;
  help: string;
  fallback: string;
  /**
   * Allowed words, one of them or a list of some; or the range of a whole number; or a list of what nobody may see, and
   * what it is like in words; or undefined for any text.
   */
  allowed?:
    | readonly string[]
    | { listOf: readonly string[] }
    | { min: number; max: number }
    | { secretsOf: RegExp; words: string };
}

export const SETTINGS = {
  out: {
    variable: 'OUTLIVE_OUT',
    help: 'folder for recordings and report.json (default .outlive/<time>-<pid>)',
    fallback: '',
  },
  mode: {
    variable: 'OUTLIVE_MODE',
    help: 'production keeps to a budget of stacks; soak takes one for every resource',
    fallback: 'production',
    allowed: ['production', 'soak'],
  },
  stacks: {
    variable: 'OUTLIVE_STACKS',
    help: 'most stacks per second in production mode, for leases, intervals and timers each',
    fallback: '250',
    allowed: { min: 0, max: 100_000 },
  },
  graceMs: {
    variable: 'OUTLIVE_GRACE_MS',
    help: 'how long a resource may outlive its scope before it is looked at',
    fallback: '1000',
    allowed: { min: 0, max: 3_600_000 },
  },
  heldMs: {
    variable: 'OUTLIVE_HELD_MS',
    help: 'call a lease held-too-long after this time; 0: judge by the site’s own history',
    fallback: '0',
    allowed: { min: 0, max: 86_400_000 },
  },
  scopes: {
    variable: 'OUTLIVE_SCOPES',
    help: 'make HTTP requests scopes: auto does so where it is nearly free (Node 24 and later), and not all of a busy service’s',
    fallback: 'auto',
    allowed: ['auto', 'on', 'off'],
  },
  gc: {
    variable: 'OUTLIVE_GC',
    help: 'off: never force a garbage collection, not even for an aged suspect',
    fallback: 'on',
    allowed: ['on', 'off'],
  },
  proof: {
    variable: 'OUTLIVE_PROOF',
    help: 'who can still reach a lease: auto asks with each judging collection, on with each look, off never',
    fallback: 'auto',
    allowed: ['auto', 'on', 'off'],
  },
  heal: {
    variable: 'OUTLIVE_HEAL',
    help: '1: what nobody can reach any more is destroyed, and its place given back to the pool',
    fallback: '0',
    allowed: ['0', '1'],
  },
  heapdump: {
    variable: 'OUTLIVE_HEAPDUMP',
    help: 'a signal that writes a heap snapshot beside the recording',
    fallback: 'off',
    allowed: ['off', 'SIGUSR2', 'SIGQUIT', 'SIGBREAK'],
  },
  gcMaxMb: {
    variable: 'OUTLIVE_GC_MAX_MB',
    help: 'no forced garbage collection above this heap size (one pauses about 1.3 ms per MB)',
    fallback: '256',
    allowed: { min: 1, max: 65_536 },
  },
  cpuPercent: {
    variable: 'OUTLIVE_CPU_PERCENT',
    help: 'production: above this share of the process’s CPU time the probe does less, and says so',
    fallback: '2',
    allowed: { min: 0, max: 100 },
  },
  signals: {
    variable: 'OUTLIVE_SIGNALS',
    help: '1: write report.json on SIGTERM and SIGINT, then die by that signal',
    fallback: '0',
    allowed: ['0', '1'],
  },
  telemetry: {
    variable: 'OUTLIVE_TELEMETRY',
    help: 'metrics and findings as OpenTelemetry: auto where the program has an SDK, or OTEL_EXPORTER_OTLP_ENDPOINT',
    fallback: 'auto',
    allowed: ['auto', 'on', 'off'],
  },
  spans: {
    variable: 'OUTLIVE_SPANS',
    help: '1: each lease as a span as well, where the program traces with OpenTelemetry',
    fallback: '0',
    allowed: ['0', '1'],
  },
  release: {
    variable: 'OUTLIVE_RELEASE',
    help: 'which release of the service this is (default: the version of its package)',
    fallback: '',
  },
  notify: {
    variable: 'OUTLIVE_NOTIFY',
    help: 'who is told of each finding once, when it appears: stderr, webhooks (https://…), separated by commas',
    fallback: '',
    allowed: { secretsOf: /^(?:stderr|https?:\/\/[^\s,]+)$/, words: 'stderr, or addresses that begin with https://' },
  },
  growth: {
    variable: 'OUTLIVE_GROWTH',
    help: 'on: also maps, sets and arrays that only grow, and races that pile up on one promise; for soaks and tests',
    fallback: 'off',
    allowed: ['on', 'off'],
  },
  off: {
    variable: 'OUTLIVE_OFF',
    help: `adapters to leave out, separated by commas: ${CAN_BE_OFF.join(', ')}`,
    fallback: '',
    allowed: { listOf: CAN_BE_OFF },
  },
} as const satisfies Record<string, Setting>;

export interface Settings {
  out: string;
  /** `test`: of a guard in a test runner, which nobody can set. */
  mode: 'production' | 'soak' | 'test';
  stacks: number;
  graceMs: number;
  heldMs: number;
  scopes: 'auto' | 'on' | 'off';
  gc: boolean;
  proof: 'auto' | 'on' | 'off';
  heal: boolean;
  heapdump: 'off' | 'SIGUSR2' | 'SIGQUIT' | 'SIGBREAK';
  gcMaxMb: number;
  cpuPercent: number;
  signals: boolean;
  telemetry: 'auto' | 'on' | 'off';
  spans: boolean;
  release: string;
  notify: string[];
  growth: boolean;
  off: string[];
}

/** What is wrong with a value, as one sentence, or null. */
function complaint(setting: Setting, value: string): string | null {
  const { allowed, variable } = setting;
  if (allowed === undefined) return null;
  if ('min' in allowed) {
    const number = Number(value);
    if (value.trim() !== '' && Number.isInteger(number) && number >= allowed.min && number <= allowed.max) return null;
    return `${variable} must be a whole number from ${allowed.min} to ${allowed.max}, not "${value}".`;
  }
  if ('secretsOf' in allowed) {
    const isGood = wordsOf(value).every((word) => allowed.secretsOf.test(word));
    return isGood ? null : `${variable} must be ${allowed.words}.`;
  }
  if ('listOf' in allowed) {
    const unknown = wordsOf(value).find((word) => !allowed.listOf.includes(word));
    return unknown === undefined ? null : `${variable} may name ${allowed.listOf.join(', ')}, not "${unknown}".`;
  }
  if (allowed.includes(value)) return null;
  const either = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(allowed);
  return `${variable} must be ${either}, not "${value}".`;
}

/** What is used in place of a bad value: of a list the words that are known, else the default. */
function insteadOf({ allowed, fallback }: Setting, value: string): string {
  const isGood = wordTest(allowed);
  return isGood ? wordsOf(value).filter(isGood).join() : fallback;
}

/** Of a list, whether a word may be in it; null where it is no list. */
function wordTest(allowed: Setting['allowed']): ((word: string) => boolean) | null {
  if (allowed === undefined) return null;
  if ('listOf' in allowed) return (word) => allowed.listOf.includes(word);
  return 'secretsOf' in allowed ? (word) => allowed.secretsOf.test(word) : null;
}

/**
 * Reads the settings. A bad value never stops a service: it is not used, and a sentence is added to `problems`, which
 * `outlive run` turns into exit code 2 before it starts anything.
 */
export function readSettings(env: NodeJS.ProcessEnv): { settings: Settings; problems: string[] } {
  const problems: string[] = [];
  const read = (key: keyof typeof SETTINGS): string => {
    const setting: Setting = SETTINGS[key];
    const value = env[setting.variable];
    if (value === undefined || value === '') return setting.fallback;
    const wrong = complaint(setting, value);
    if (wrong === null) return value;
    problems.push(wrong);
    return insteadOf(setting, value);
  };
  const settings: Settings = {
    out: read('out'),
    mode: read('mode') as Settings['mode'],
    stacks: Number(read('stacks')),
    graceMs: Number(read('graceMs')),
    heldMs: Number(read('heldMs')),
    scopes: read('scopes') as Settings['scopes'],
    gc: read('gc') === 'on',
    proof: read('proof') as Settings['proof'],
    heal: read('heal') === '1',
    heapdump: read('heapdump') as Settings['heapdump'],
    gcMaxMb: Number(read('gcMaxMb')),
    cpuPercent: Number(read('cpuPercent')),
    signals: read('signals') === '1',
    telemetry: read('telemetry') as Settings['telemetry'],
    spans: read('spans') === '1',
    release: read('release'),
    notify: wordsOf(read('notify')),
    growth: read('growth') === 'on',
    off: wordsOf(read('off')),
  };
  return { settings, problems };
}

function wordsOf(list: string): string[] {
  return list
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean);
}
