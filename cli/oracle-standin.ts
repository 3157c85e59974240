import { parseFault } from '../oracle-standin/faults.ts';
import type { OracleStandIn } from '../oracle-standin/index.ts';
import { milliseconds, wholeNumber } from './checks.ts';
import { helpOf, type Options, parseOptions } from './options.ts';
import { EXIT_CLEAN, printHelp } from './usage.ts';

const OPTIONS = {
  port: { value: 'N', default: '1521', check: wholeNumber(0, 65_535), help: 'the port to listen on; 0 for a free one' },
  host: { value: 'ADDRESS', default: '127.0.0.1', help: 'the address to listen on' },
  database: {
    value: 'URL',
    help:
      'PostgreSQL behind it, postgres://…; the schema oracle_standin is made there (default: a private one, removed ' +
      'at the end)',
  },
  user: {
    value: 'NAME',
    default: 'app',
    help: 'who logs on; the password is that in ORACLE_PASSWORD, or made up and printed',
  },
  service: { value: 'NAME', default: 'STANDIN', help: 'the service that it has; others get ORA-12514' },
  release: { value: 'N', allowed: [19, 23], default: '19', help: 'which release it speaks as' },
  verifier: { value: 'KIND', allowed: ['11G', '12C'], default: '12C', help: 'how the password is kept' },
  sessions: { value: 'N', default: '150', check: wholeNumber(1, 100_000), help: 'more get ORA-00018' },
  sessionsPerUser: {
    value: 'N',
    check: wholeNumber(1, 100_000),
    help: 'more get ORA-02391 (default: as many as there are sessions)',
  },
  processes: {
    value: 'N',
    check: wholeNumber(1, 100_000),
    help: 'the listener refuses more with ORA-12516 (default: 50 more than sessions)',
  },
  openCursors: {
    value: 'N',
    default: '300',
    check: wholeNumber(1, 65_535),
    help: 'of one session: more get ORA-01000',
  },
  logonTimeout: {
    value: 'T',
    default: '60s',
    check: milliseconds(1),
    help: 'a logon that takes longer is ended: 60s, 500ms',
  },
  fault: { value: 'FAULT', multiple: true, check: parseFault, help: 'STAGE:ACTION[:NUMBER][*TIMES]' },
  verbose: { help: 'say why sessions are closed' },
} as const satisfies Options;

const HELP = `Usage: outlive oracle-standin [options]

A test stand-in for an Oracle database, and NOT Oracle: a server that the unmodified node-oracledb driver (thin mode)
logs on to over a real socket. Each session has a session of a PostgreSQL behind it. It knows the common part of
Oracle's SQL, and refuses the rest with an ORA error that says so. Runs until Ctrl-C.

${helpOf(OPTIONS)}

Faults strike at a STAGE: accept, connect, protocol, datatypes, auth1, auth2, then call, or only execute, fetch, commit,
rollback, ping, logoff. ACTION is refuse:CODE (by the listener, at connect), error:CODE, end, reset, hang, delay:MS or
garbage.

  outlive oracle-standin
  outlive oracle-standin --port 15210 --sessions 10 --fault connect:refuse:12516*5
  ORACLE_PASSWORD=secret outlive oracle-standin --fault execute:delay:200 --fault auth2:hang*1
`;

export async function main(args: readonly string[]): Promise<number> {
  const values = parseOptions('oracle-standin', args, OPTIONS);
  if (values === null) return printHelp(HELP);
  const { fault: faults, verbose, ...options } = values;
  const { ORACLE_PASSWORD: password } = process.env;
  const log = (sentence: string) => {
    if (verbose || !sentence.startsWith('Session')) process.stderr.write(`${sentence}\n`);
  };
  // what it needs is not there for everybody, who may still ask for help
  const { startOracleStandIn } = await import('../oracle-standin/index.ts');

  const stopped = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve);
  });
  const standIn = await startOracleStandIn({ ...options, ...(password && { password }), log });
  for (const fault of faults) standIn.fault(fault);
  process.stdout.write(greeting(standIn, Boolean(password)));
  await stopped;
  await standIn.stop();
  process.stderr.write('The stand-in has stopped.\n');
  return EXIT_CLEAN;
}

function greeting({ connectString, user, password }: OracleStandIn, passwordIsGiven: boolean): string {
  return `A test stand-in is ready; it is not an Oracle database. Ctrl-C stops it.

  ORACLE_CONNECT_STRING=${connectString}
  ORACLE_USER=${user}
  ORACLE_PASSWORD=${passwordIsGiven ? '(as given)' : password}
`;
}
