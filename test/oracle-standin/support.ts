/** A stand-in for the tests of one file, on a database of its own; the driver is the real one, unmodified. */
import oracledb from 'oracledb';
import { afterAll, beforeAll } from 'vitest';
import {
  type OracleStandIn,
  type OracleStandInOptions,
  type StandInSession,
  startOracleStandIn,
} from '../../oracle-standin/index.ts';
import { type FreshDatabase, freshDatabase } from '../setup/database.ts';
import { until } from '../support/until.ts';

export interface UnderTest {
  readonly standIn: OracleStandIn;
  /** Of the stand-in: user, password and connect string. */
  readonly credentials: { user: string; password: string; connectString: string };
  /** The session of a connection: the driver and the listener know it by the same id. */
  sessionOf(connection: oracledb.Connection): StandInSession;
  /** A connection that is closed when `use` has ended. */
  connected<Result>(use: (connection: oracledb.Connection) => Promise<Result>): Promise<Result>;
}

/** Where the driver keeps the id of a connection. */
interface Connected {
  _impl: { nscon: { sAtts: { connectionId: string } } };
}

export function standInForTests(options: OracleStandInOptions = {}): UnderTest {
  let database: FreshDatabase;
  let standIn: OracleStandIn;
  beforeAll(async () => {
    database = await freshDatabase();
    standIn = await startOracleStandIn({ database: database.url, verifierRounds: 1, ...options });
  });
  afterAll(async () => {
    await standIn?.stop();
    await database?.drop();
  });
  const credentials = () => {
    const { user, password, connectString } = standIn;
    return { user, password, connectString };
  };
  const sessionOf = (connection: oracledb.Connection) => {
    const { connectionId } = (connection as unknown as Connected)._impl.nscon.sAtts;
    const session = standIn.sessions().find((one) => one.connectionId === connectionId);
    if (!session) throw new Error(`The stand-in knows no session ${connectionId}.`);
    return session;
  };
  return {
    sessionOf,
    get standIn() {
      return standIn;
    },
    get credentials() {
      return credentials();
    },
    async connected(use) {
      const connection = await oracledb.getConnection(credentials());
      const { sid, serial } = sessionOf(connection);
      try {
        return await use(connection);
      } finally {
        await connection.close().catch(() => {});
        await until(
          'the session to end',
          () => !standIn.sessions().some((one) => one.sid === sid && one.serial === serial),
        );
      }
    },
  };
}

/** What a call is rejected with; fails when it is not. */
export async function refusal(
  call: Promise<unknown>,
): Promise<Error & { errorNum?: number; offset?: number; code?: string }> {
  try {
    await call;
  } catch (error) {
    return error as Error;
  }
  throw new Error('The call should have failed.');
}
