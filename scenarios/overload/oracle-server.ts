/** The Oracle stand-in under load. What it takes of CPU and memory is not what Oracle would: it is not measured. */

import { startOracleStandIn } from '../../oracle-standin/index.ts';
import { createDatabase } from '../../pipeline/store/database.ts';
import { startPostgres } from '../../pipeline/store/embedded.ts';
import { LONGEST_LOGON_SECONDS, type LoadServer, type ServerWish, wordsOf } from './server.ts';

const SPARE = 30;

/** Each database is a stand-in of its own, in front of a database of one private PostgreSQL. */
export async function openOracleLoadServer({ maxSessions, logonSeconds }: ServerWish): Promise<LoadServer> {
  const behind = await startPostgres({ maxConnections: maxSessions + SPARE, fsync: false });
  const limits = { kind: 'oracle', maxSessions, logonSeconds } as const;
  let isPatient = false;
  const create = async (name: string) => {
    const database = await createDatabase(behind.url, name);
    const standIn = await startOracleStandIn({
      ...{ database: database.url, sessions: maxSessions, processes: maxSessions },
      logonTimeout: 1000 * (isPatient ? LONGEST_LOGON_SECONDS : logonSeconds),
    });
    const { user, password, connectString } = standIn;
    return {
      url: `oracle://${user}:${encodeURIComponent(password)}@${connectString}`,
      drop: async () => {
        await standIn.stop();
        await database.drop();
      },
    };
  };
  const { stop } = behind;
  return {
    ...{ limits, create, isPrivate: true, words: `an ${wordsOf(limits)}`, stop },
    // of the databases that are made meanwhile
    withPatience: (work) => {
      isPatient = true;
      return work().finally(() => {
        isPatient = false;
      });
    },
    abandonedLogons: async () => null,
  };
}
