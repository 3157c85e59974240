/** An Oracle to log on to, for programs in processes of their own: the stand-in, and a desk where they order its faults. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseFault, startOracleStandIn } from '../../oracle-standin/index.ts';
import { freshDatabase } from '../setup/database.ts';

export interface Oracle {
  /**
   * `ORACLE_CONNECT_STRING`, `ORACLE_USER`, `ORACLE_PASSWORD`, and `ORACLE_DESK`: fetching `/fault/<auth2:hang*1>`,
   * `/clear` or `/kill/<connection id>` there does it.
   */
  env: Record<string, string>;
  stop(): Promise<void>;
}

/** On the PostgreSQL that all tests share. */
export async function startOracle(): Promise<Oracle> {
  const database = await freshDatabase();
  const oracle = await startOracleStandIn({ database: database.url, verifierRounds: 1, openCursors: 300 });
  const orders: Record<string, (what: string) => void> = {
    fault: (text) => oracle.fault(parseFault(text)),
    clear: () => oracle.clearFaults(),
    kill: (id) => {
      const session = oracle.sessions().find(({ connectionId }) => connectionId === id);
      if (session) oracle.kill(session.sid, { disconnect: true });
    },
  };
  const desk = createServer(({ url = '' }, response) => {
    const [, order = '', what = ''] = url.split('/').map(decodeURIComponent);
    orders[order]?.(what);
    response.end();
  });
  await new Promise<void>((resolve) => desk.listen(0, '127.0.0.1', resolve));
  return {
    env: {
      ORACLE_CONNECT_STRING: oracle.connectString,
      ORACLE_USER: oracle.user,
      ORACLE_PASSWORD: oracle.password,
      ORACLE_DESK: `http://127.0.0.1:${(desk.address() as AddressInfo).port}`,
    },
    async stop() {
      desk.closeAllConnections();
      desk.close();
      await oracle.stop();
      await database.drop();
    },
  };
}
