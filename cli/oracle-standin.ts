import { parseFault } from '../oracle-standin/faults.ts';
import type { OracleStandIn, OracleStandInOptions } from '../oracle-standin/index.ts';
import { EXIT_CLEAN, milliseconds, oneOf, parseOptions, wholeNumber } from './usage.ts';

const HELP = `Usage: outlive oracle-standin [options]

A test stand-in for an Oracle database, and NOT Oracle: a server that the unmodified node-oracledb driver (thin mode)
logs on to over a real socket. Each session has a session of a PostgreSQL behind it. It knows the common part of
Oracle's SQL, and refuses the rest with an ORA error that says so. Runs until Ctrl-C.

      --port N                where to listen (default 1521)
      --host ADDRESS          default 127.0.0.1
      --database URL          PostgreSQL behind it, postgres://...; the schema oracle_standin is made there
                              (default: a private one, removed at the end)
      --user NAME             default app; the password is that in ORACLE_PASSWORD, or made up and printed
      --service NAME          default STANDIN
      --release 19|23         which release it speaks as (default 19)
      --verifier 11G|12C      how the password is kept (default 12C)
      --sessions N            more get ORA-00018 (default 150)
      --sessions-per-user N   more get ORA-02391 (default: as many as there are sessions)
      --processes N           the listener refuses more with ORA-12516 (default: 50 more than sessions)
      --open-cursors N        of one session: more get ORA-01000 (default 300)
      --logon-timeout T       a logon that takes longer is ended: 60s, 500ms (default 60s)
      --fault FAULT           STAGE:ACTION[:NUMBER][*TIMES]; may be repeated
      --verbose               say why sessions are closed

Faults strike at a STAGE: accept, connect, protocol, datatypes, auth1, auth2, then call, or only execute, fetch, commit,
rollback, ping, logoff. ACTION is refuse:CODE (by the listener, at connect), error:CODE, end, reset, hang, delay:MS or
garbage.

  outlive oracle-standin
  outlive oracle-standin --port 15210 --sessions 10 --fault connect:refuse:12516*5
  ORACLE_PASSWORD=secret outlive oracle-standin --fault execute:delay:200 --fault auth2:hang*1
`;

const OPTIONS = {
  port: { type: 'string', default: '1521' },
  host: { type: 'string' },
  database: { type: 'string' },
  user: { type: 'string' },
  service: { type: 'string' },
  release: { type: 'string' },
  verifier: { type: 'string' },
  sessions: { type: 'string' },
  'sessions-per-user': { type: 'string' },
  processes: { type: 'string' },
  'open-cursors': { type: 'string' },
  'logon-timeout': { type: 'string' },
  fault: { type: 'string', multiple: true },
  verbose: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = ReturnType<typeof parseOptions<typeof OPTIONS>>;

export async function main(args: readonly string[]): Promise<number> {
  const values = parseOptions('oracle-standin', args, OPTIONS);
  if (values.help) {
    process.stdout.write(HELP);
    return EXIT_CLEAN;
  }
  const faults = (values.fault ?? []).map(parseFault);
  const options = optionsOf(values);
  // what it needs is not there for everybody, who may still ask for help
  const { startOracleStandIn } = await import('../oracle-standin/index.ts');

  const stopped = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve);
  });
  const standIn = await startOracleStandIn(options);
  for (const fault of faults) standIn.fault(fault);
  process.stdout.write(greeting(standIn, options.password !== undefined));
  await stopped;
  await standIn.stop();
  process.stderr.write('The stand-in has stopped.\n');
  return EXIT_CLEAN;
}

function optionsOf(values: Values): OracleStandInOptions {
  const number = (name: keyof Values & string, min: number, max: number) => {
    const text = values[name];
    return typeof text === 'string' ? { [camel(name)]: wholeNumber(name, text, min, max) } : {};
  };
  const text = (name: 'host' | 'database' | 'user' | 'service') =>
    values[name] === undefined ? {} : { [name]: values[name] };
  const password = process.env.ORACLE_PASSWORD;
  const quiet = (sentence: string) => {
    if (values.verbose || !sentence.startsWith('Session')) process.stderr.write(`${sentence}\n`);
  };
  return {
    ...number('port', 0, 65_535),
    ...number('sessions', 1, 100_000),
    ...number('sessions-per-user', 1, 100_000),
    ...number('processes', 1, 100_000),
    ...number('open-cursors', 1, 65_535),
    ...text('host'),
    ...text('database'),
    ...text('user'),
    ...text('service'),
    ...(values.release && { release: oneOf('release', values.release, ['19', '23']) === '23' ? 23 : 19 }),
    ...(values.verifier && { verifier: oneOf('verifier', values.verifier, ['11G', '12C']) }),
    ...(values['logon-timeout'] && {
      logonTimeout: milliseconds('logon-timeout', values['logon-timeout'], 1, 24 * 3_600_000),
    }),
    ...(password && { password }),
    log: quiet,
  };
}

/** `open-cursors` is `openCursors`. */
function camel(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function greeting({ connectString, user, password }: OracleStandIn, passwordIsGiven: boolean): string {
  return `A test stand-in is ready; it is not an Oracle database. Ctrl-C stops it.

  ORACLE_CONNECT_STRING=${connectString}
  ORACLE_USER=${user}
  ORACLE_PASSWORD=${passwordIsGiven ? '(as given)' : password}
`;
}
