/** What an error really was: the drivers' messages name a symptom, and the worst of them the wrong one. */
import type { LogonFailure } from '../../pipeline/connections/logons.ts';
import type { ErrorCause } from '../../reports/comparison/comparison.ts';
import type { Failure } from './load-task.ts';
import type { ServerLimits } from './server.ts';

interface Cause {
  name: string;
  title: string;
  /** In a sentence, of what the numbers show. */
  explain(count: number, limits: ServerLimits): string;
}

const plural = (count: number, one: string) => `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`;

const LOGON_LIMIT = { postgresql: 'authentication_timeout', oracle: 'SQLNET.INBOUND_CONNECT_TIMEOUT' };

const CAUSES = {
  abandoned: {
    name: 'logon-abandoned',
    title: 'the server gave up on logons',
    explain: (count, { logonSeconds, kind }) =>
      `${plural(count, 'logon')} took longer than the server allows${logonSeconds === null ? '' : ` (${LOGON_LIMIT[kind]}, ${logonSeconds} s)`}, because too many were under way at once; it closes the socket without a word. The network is not at fault.`,
  },
  full: {
    name: 'connection-limit',
    title: 'the server had no session left',
    explain: (count, { maxSessions }) =>
      `${plural(count, 'logon')} met a server that had given out all its sessions${maxSessions === null ? '' : ` (${maxSessions})`}.`,
  },
  fullSilently: {
    name: 'connection-limit',
    title: 'the server had no session left',
    explain: (count, { maxSessions }) =>
      `${plural(count, 'logon')} ended with a closed socket: the server had reached its limit of processes${maxSessions === null ? '' : ` (${maxSessions})`}, and the listener hung up. The network is not at fault.`,
  },
  slowLogon: {
    name: 'logon-timeout',
    title: 'logons took longer than the client waits',
    explain: (count) => `${plural(count, 'logon')} were given up by the client: the server was busy with other logons.`,
  },
  queue: {
    name: 'pool-timeout',
    title: 'the pool had none to give in time',
    explain: (count) => `${plural(count, 'acquire')} waited for a connection of the pool until the time was up.`,
  },
  restart: {
    name: 'server-restart',
    title: 'the server was restarting',
    explain: (count) => `${plural(count, 'attempt')} met a server that was shutting down, recovering or starting.`,
  },
  disk: {
    name: 'disk-full',
    title: 'the server had no space left',
    explain: (count) => `${plural(count, 'transaction')} could not be written: the disk was full.`,
  },
  refused: {
    name: 'not-listening',
    title: 'nothing was listening',
    explain: (count) => `${plural(count, 'logon')} found no server at the address.`,
  },
  lost: {
    name: 'connection-lost',
    title: 'connections broke during work',
    explain: (count) => `${plural(count, 'attempt')} lost its connection during work.`,
  },
  other: {
    name: 'other',
    title: 'other errors',
    explain: (count) => `${plural(count, 'attempt')} failed otherwise.`,
  },
} satisfies Record<string, Cause>;

/** Ends of a socket as the drivers put them. */
const SOCKET_END = /Connection terminated unexpectedly|ECONNRESET|EPIPE|NJS-500|NJS-501|NJS-521|end-of-file/;
const CLIENT_TIMEOUT = /timeout expired|connection timeout|timeout exceeded when trying|NJS-510/;

export interface CountedError {
  during: 'logon' | 'acquire' | 'work';
  code: string | null;
  message: string;
  /** Of a logon, milliseconds. */
  age: number | null;
  count: number;
}

export function errorsOf(logons: readonly LogonFailure[], failures: readonly Failure[]): CountedError[] {
  return [
    ...logons.map(({ age, ...rest }) => ({ during: 'logon' as const, age: age * 100, ...rest })),
    ...failures.map(({ stage, ...rest }) => ({ during: stage, age: null, ...rest })),
  ];
}

function causeOf({ during, code, message, age }: CountedError, { logonSeconds, kind }: ServerLimits): Cause {
  if (code === '53300' || /ORA-(00018|00020|12516|12520|12519)/.test(message)) return CAUSES.full;
  if (/^57P0[123]$/.test(code ?? '')) return CAUSES.restart;
  if (code === '53100' || /No space left|File too large/.test(message)) return CAUSES.disk;
  if (code === 'ECONNREFUSED') return CAUSES.refused;
  if (during === 'logon' && SOCKET_END.test(`${code} ${message}`)) {
    // PostgreSQL gives each of two phases of a logon that time, and the driver may have waited for its socket before
    if (logonSeconds !== null && (age ?? 0) >= logonSeconds * 900) return CAUSES.abandoned;
    return kind === 'oracle' ? CAUSES.fullSilently : CAUSES.lost;
  }
  if (during === 'logon' && CLIENT_TIMEOUT.test(message)) return CAUSES.slowLogon;
  if (during === 'acquire') return CAUSES.queue;
  if (during === 'work' && SOCKET_END.test(`${code} ${message}`)) return CAUSES.lost;
  return CAUSES.other;
}

/** By cause, most first, each with what the program was told. */
export function explain(errors: readonly CountedError[], limits: ServerLimits): ErrorCause[] {
  const byCause = new Map<Cause, { count: number; said: Map<string, number> }>();
  for (const error of errors) {
    const cause = causeOf(error, limits);
    const entry = byCause.get(cause) ?? { count: 0, said: new Map() };
    entry.count += error.count;
    const { code, message } = error;
    const words = code === null || message.includes(code) ? message : `${code} ${message}`;
    entry.said.set(words, (entry.said.get(words) ?? 0) + error.count);
    byCause.set(cause, entry);
  }
  return [...byCause]
    .map(([{ name, title, explain: words }, { count, said }]) => ({
      ...{ name, title, count, sentence: words(count, limits) },
      said: [...said]
        .sort(([, a], [, b]) => b - a)
        .slice(0, 4)
        .map(([text, n]) => ({ text, count: n })),
    }))
    .sort((a, b) => b.count - a.count);
}

/** Errors whose message speaks of the socket only. */
export function misleading(errors: readonly CountedError[]): number {
  return errors.reduce(
    (sum, { during, code, message, count }) =>
      sum + (during === 'logon' && SOCKET_END.test(`${code} ${message}`) ? count : 0),
    0,
  );
}
