/**
 * oracledb from 6.10 on. A connection is a fresh object for each borrow, in front of a session that the pool keeps: so a
 * dropped one is proven to leak once it is collected, while the pool still counts its session as taken.
 *
 * An acquire that timed out may be served later: the pool then closes a connection that nobody received, which is no
 * lease. The driver's single slot for a trace instance is left to the service.
 */
import Module from 'node:module';
import path from 'node:path';
import { guarded } from '../../process/lapses.ts';
import type { Desk } from '../desk.ts';
import type { LibraryAdapter } from '../modules.ts';
import { patch } from '../patch.ts';
import { Calls } from './oracledb/calls.ts';
import { patchConnection } from './oracledb/connections.ts';
import { type Classes, type Session, whenDefined } from './oracledb/driver.ts';
import { Leases } from './oracledb/leases.ts';
import { Logons } from './oracledb/logons.ts';
import { Pools } from './oracledb/pools.ts';
import { patchStreams } from './oracledb/stream-hooks.ts';
import { Streams } from './oracledb/streams.ts';
import { Traps } from './oracledb/traps.ts';

export function oracledb(desk: Desk): LibraryAdapter {
  const calls = new Calls();
  const leases = new Leases();
  const trapped = (look: () => void): void => guarded('oracledb-traps', look);
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

  const patchClasses = (classes: Classes): void => {
    whenDefined(classes, 'ConnectionImpl', (prototype) => logons.watch(prototype));
    whenDefined(classes, 'PoolImpl', (prototype) => {
      patch(prototype, '_destroy', (original) => {
        return function _destroy(this: object, session: Session): unknown {
          trapped(() => traps.loggingOff(this, session, leases.of({ _impl: session })?.lastOperation ?? null));
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          return Reflect.apply(original, this, arguments);
        };
      });
    });
  };

  return {
    name: 'oracledb',
    attach(exports, file) {
      const { Pool, Connection, ResultSet, Lob } = exports ?? {};
      if (typeof Pool !== 'function' || typeof Connection !== 'function') return false;
      if (typeof Pool.prototype._processRequest !== 'function') return false;
      pools.patch(Pool);
      patchConnection(Connection, { desk, calls, leases, streams });
      const tellsResults = typeof Connection.prototype._transformExecuteResult === 'function';
      if (ResultSet && Lob) patchStreams(ResultSet, Lob, streams, tellsResults);
      logons.patch(exports);
      const classes = loaded(path.join(path.dirname(file), 'lib/impl/index.js'));
      if (classes) patchClasses(classes);
      return true;
    },
  };
}

/** What a file of the driver exports, if that is loaded. */
function loaded(file: string): Classes | undefined {
  return (Module as unknown as { _cache: Record<string, { exports: Classes } | undefined> })._cache[file]?.exports;
}
