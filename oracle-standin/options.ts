/** Options of a stand-in, with their defaults and limits. */
import { UserError } from '../user-error.ts';
import type { VerifierKind } from './logon/verifiers.ts';

export interface OracleStandInOptions {
  /** Default: a free one. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  /** `postgres://` URL of the database behind it; default: a private PostgreSQL, removed by `stop()`. */
  database?: string;
  /** Default `app`. Case does not matter, as in Oracle. */
  user?: string;
  /** Default: made up. */
  password?: string;
  /** Service name, default `STANDIN`. */
  service?: string;
  /** Parameter SESSIONS: more get ORA-00018. Default 150. */
  sessions?: number;
  /** Parameter PROCESSES: the listener refuses more with ORA-12516. Default: `sessions`, and 50 more. */
  processes?: number;
  /** Limit of the user's profile: more get ORA-02391. Default: none. */
  sessionsPerUser?: number;
  /** Parameter OPEN_CURSORS, of one session. Default 300. */
  openCursors?: number;
  /** How passwords are kept. Default 12C. */
  verifier?: VerifierKind;
  /** Rounds of the 12C verifier, which cost the client CPU time; Oracle has 4096. Default 4096. */
  verifierRounds?: number;
  /** Which release it speaks as: 19, or 23 with its shorter logon. Default 19. */
  release?: 19 | 23;
  /** A logon that takes longer is ended, milliseconds. Default 60 s, as Oracle's. */
  logonTimeout?: number;
  /** Connections that the kernel keeps while none is accepted. Default: the system's. */
  backlog?: number;
  /** Told what is going on, one sentence each. */
  log?: (sentence: string) => void;
}

export type Settings = Required<Omit<OracleStandInOptions, 'database' | 'password' | 'log' | 'backlog'>> & {
  password: string;
};

const wholeNumbers: [keyof Settings, number, number][] = [
  ['port', 0, 65_535],
  ['sessions', 1, 100_000],
  ['processes', 1, 100_000],
  ['sessionsPerUser', 1, Number.MAX_SAFE_INTEGER],
  ['openCursors', 1, 65_535],
  ['verifierRounds', 1, 100_000],
  ['logonTimeout', 1, 2 ** 31 - 1],
];

/** Throws `UserError` with a sentence. */
export function settingsOf(options: OracleStandInOptions, madeUpPassword: string): Settings {
  const { sessions = 150 } = options;
  const settings: Settings = {
    port: options.port ?? 0,
    host: options.host ?? '127.0.0.1',
    user: options.user ?? 'app',
    password: options.password ?? madeUpPassword,
    service: options.service ?? 'STANDIN',
    sessions,
    processes: options.processes ?? sessions + 50,
    sessionsPerUser: options.sessionsPerUser ?? Number.MAX_SAFE_INTEGER,
    openCursors: options.openCursors ?? 300,
    verifier: options.verifier ?? '12C',
    verifierRounds: options.verifierRounds ?? 4096,
    release: options.release ?? 19,
    logonTimeout: options.logonTimeout ?? 60_000,
  };
  for (const [name, min, max] of wholeNumbers) {
    const value = settings[name];
    if (!Number.isInteger(value) || Number(value) < min || Number(value) > max) {
      throw new UserError(`The stand-in's ${name} must be a whole number from ${min} to ${max}, not ${value}.`);
    }
  }
  if (!/^[\w$#.-]{2,}$/.test(settings.service)) {
    throw new UserError(`A service name has two or more letters, digits and _$#.-; not "${settings.service}".`);
  }
  if (settings.user === '' || settings.password === '')
    throw new UserError('The stand-in needs a user and a password.');
  if (settings.verifier !== '11G' && settings.verifier !== '12C') {
    throw new UserError(`The stand-in keeps passwords as 11G or 12C, not ${settings.verifier}.`);
  }
  if (settings.release !== 19 && settings.release !== 23) {
    throw new UserError(`The stand-in speaks as release 19 or 23, not ${settings.release}.`);
  }
  return settings;
}
