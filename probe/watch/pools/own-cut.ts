/**
 * What a pool lends, let go of by what is its own: a client of a database is referred to by its connection too. Anything
 * else that refers to it, a socket's listener of an unknown driver, keeps it, so that it is not taken for lost.
 */

import { types } from 'node:util';
import type { Cut } from '../../account/cut.ts';
import type { Resource } from '../../account/ledger.ts';
import { letGo, StandIn as MysqlStandIn, type OwnSocket, takeBack } from './mysql/cut.ts';
import type { Connection } from './mysql/driver.ts';
import type { Client } from './pg-client.ts';
import { canBeCut, cutClient, restoreClient, StandIn } from './pg-cut.ts';
import { markStandIn } from './stand-in.ts';

export interface OwnCut {
  /** In its place meanwhile. */
  readonly placeholder: object;
  restore(lent: object): void;
  /** What stands for it from now on, when it is gone. */
  standIn(): object;
  /** Ends what is behind the stand-in. */
  destroy(): void;
}

/** Null: who else holds it tells nothing now. `harmless`: events that a listener of the service's may be for. */
export function cutOwn(lent: object, harmless: readonly string[]): OwnCut | null {
  if (isMysqlConnection(lent)) {
    const socket = letGo(lent);
    return socket && ofSocket(socket);
  }
  if (!isPgClient(lent)) return new Whole();
  return canBeCut(lent, harmless) ? ofClient(cutClient(lent)) : null;
}

/** Of a pool that lists what it lends in entries; `leave` takes the entry out of the pool, whose place is free again. */
export function cutEntry(
  entry: { resource: unknown },
  own: OwnCut,
  resource: Resource,
  ref: WeakRef<object>,
  leave: () => void,
): Cut {
  return {
    resource,
    ref,
    restore(lent) {
      own.restore(lent);
      entry.resource = lent;
    },
    substitute() {
      entry.resource = own.standIn();
    },
    heal() {
      own.destroy();
      leave();
    },
  };
}

/** By what only its pool refers to. */
class Whole implements OwnCut {
  readonly placeholder: object = markStandIn({});
  restore(): void {}
  standIn(): object {
    return this.placeholder;
  }
  destroy(): void {}
}

function ofClient(connection: ReturnType<typeof cutClient>): OwnCut {
  let standIn: StandIn | null = null;
  return {
    placeholder: connection,
    restore: (client) => restoreClient(client, connection),
    standIn() {
      standIn = new StandIn(connection);
      return standIn;
    },
    destroy: () => standIn?.end(),
  };
}

function ofSocket(socket: OwnSocket): OwnCut {
  let standIn: MysqlStandIn | null = null;
  return {
    placeholder: socket,
    restore: (connection) => takeBack(connection, socket),
    standIn() {
      standIn = new MysqlStandIn(null, socket);
      return standIn;
    },
    destroy: () => standIn?.destroy(),
  };
}

/** Of mysql2, or of mysql. */
function isMysqlConnection(lent: object): lent is Connection {
  if (types.isProxy(lent)) return false;
  return Object.hasOwn(lent, '_internalId') ? Object.hasOwn(lent, '_commands') : Object.hasOwn(lent, '_connectCalled');
}

/** Nothing of a proxy's is asked: the service's code would run. */
function isPgClient(lent: object): lent is Client {
  return !types.isProxy(lent) && Object.hasOwn(lent, 'connection') && Object.hasOwn(lent, 'readyForQuery');
}
