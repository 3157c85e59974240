/**
 * oracledb from 6.10 on. A connection is a fresh object for each borrow, in front of a session that the pool keeps: so a
 * dropped one is proven to leak once it is collected, while the pool still counts its session as taken.
 *
 * An acquire that timed out may be served later: the pool then closes a connection that nobody received, which is no
 * lease. The driver's single slot for a trace instance is left to the service.
 */
import { around } from '../../process/around.ts';
import { guarded, type Part } from '../../process/lapses.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { loadedExports } from '../loaded.ts';
import { Calls } from './oracledb/calls.ts';
import { watchConnections, watchResults } from './oracledb/connections.ts';
import { type Classes, type PoolSessions, type Session, whenDefined } from './oracledb/driver.ts';
import { Leases } from './oracledb/leases.ts';
import { Logons } from './oracledb/logons.ts';
import { Pools } from './oracledb/pools.ts';
import { watchStreams } from './oracledb/stream-hooks.ts';
import { Streams } from './oracledb/streams.ts';
import { Traps } from './oracledb/traps.ts';

const TRAPS = 'oracledb-traps' satisfies Part;

export function attachments(desk: Desk): Attachments {
  const calls = new Calls();
  const leases = new Leases();
  const trapped = (look: () => void): void => guarded(TRAPS, look);
  const pools = new Pools(desk, leases, {
    found: (pool) => trapped(() => traps.watch(pool)),
    failedAcquire: (...failure) => trapped(() => traps.failedAcquire(...failure)),
  });
  const streams = new Streams(desk, calls, leases);
  const logons = new Logons(desk, calls, {
    opened: (session, lease) => leases.serve(session, lease),
    pooled: (sessions, began) => pools.loggedOn(sessions, began),
    failed: (...failure) => trapped(() => traps.failedLogon(...failure)),
  });
  const traps = new Traps(desk.notices, logons.pending, pools);
  desk.notices.lookouts.push(() => trapped(() => traps.look()));

  const watchClasses = (classes: Classes): void => {
    whenDefined(classes, 'ConnectionImpl', (prototype) => logons.watchSessions(prototype));
    whenDefined(classes, 'PoolImpl', (prototype) => {
      around<PoolSessions>(TRAPS, prototype, '_destroy', {
        before: (sessions, session) => {
          const lease = leases.of({ _impl: session as Session });
          traps.loggingOff(sessions, session as Session, lease?.lastOperation ?? null);
          return undefined;
        },
      });
    });
  };

  return {
    oracledb: (exports, file) => {
      const { Pool, Connection, ResultSet, Lob } = exports;
      pools.watchPools(Pool.prototype);
      watchConnections(Connection.prototype, { desk, calls, leases, streams });
      const tellsResults = watchResults(Connection.prototype, streams);
      if (ResultSet && Lob) watchStreams(ResultSet, Lob, streams, tellsResults);
      logons.watchModule(exports);
      const classes = loadedExports<Classes>(file, 'lib/impl/index.js');
      if (classes) watchClasses(classes);
    },
  };
}
