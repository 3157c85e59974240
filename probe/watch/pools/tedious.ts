/**
 * tedious 11 to 20, which has no pool. A connection that the service's own code makes is a lease, from its connect to its
 * close; one that is lost, or that never came up, is over as well. What a pool makes is that pool's: mssql's is tarn.
 *
 * Whichever pool lends one: a transaction that it is given back in, at the line that began it. Whether it is still open
 * the server says.
 *
 * False positives: what another pool's factory connects after an await.
 * False negatives: what a prepared or parametrized statement begins; what else stays in a session.
 */
import type { Request, Resource, Source } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import type { Attachments } from '../adapter-modules.ts';
import { Folders } from '../clients/clients.ts';
import type { Desk } from '../desk.ts';
import type { Driver } from '../sessions/driver.ts';
import { type Sessions, sessionsOf } from '../sessions/sessions.ts';
import { SQL_SERVER } from '../sessions/sql-server.ts';
import { OF_POOL, peerOf } from './peer.ts';

const PART = 'tedious' satisfies AdapterName;

interface Connection {
  closed: boolean;
  /** As the server said last. */
  inTransaction: boolean;
}

const DRIVER: Driver = {
  part: PART,
  dialect: SQL_SERVER,
  isAlive(connection) {
    const { closed, inTransaction } = connection as Connection;
    return !closed && inTransaction;
  },
};

/** Methods that stand for a statement. */
const STATEMENTS = {
  beginTransaction: 'begin transaction',
  commitTransaction: 'commit transaction',
  rollbackTransaction: 'rollback transaction',
} as const;

export function attachments(desk: Desk): Attachments {
  const connections = new Connections(desk);
  return { tedious: ({ Connection }, file) => connections.watch(Connection.prototype, file) };
}

class Connections {
  readonly #desk: Desk;
  readonly #source: Source;
  readonly #sessions: Sessions;
  readonly #bare: WeakMap<object, Resource> = new WeakMap();
  readonly #folders = new Folders();

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#sessions = sessionsOf(desk);
    this.#source = desk.source({ adapter: PART, nature: 'lease', library: PART });
    this.#source.peers = () => this.#peers();
  }

  watch(prototype: object, file: string): void {
    const { flows } = this.#desk;
    this.#folders.add(file);
    around<Connection, Request | null>(PART, prototype, 'connect', {
      before: (connection, _, __, wrapper) => this.#connects(connection, wrapper),
      callback: (callback, request) => (request ? flows.bind(callback, request.mark) : callback),
      within: flows.unmarked((request) => request?.mark),
    });
    around<Connection>(PART, prototype, 'close', {
      before: (connection, _, __, wrapper) => this.#closes(connection, wrapper),
    });
    for (const [method, text] of Object.entries(STATEMENTS)) {
      around<Connection>(PART, prototype, method, {
        before: (connection, _, __, wrapper) => this.#says(connection, text, wrapper),
      });
    }
    around<Connection>(PART, prototype, 'execSqlBatch', {
      before: (connection, request, _, wrapper) => this.#says(connection, textOf(request), wrapper),
    });
    around<Connection>(PART, prototype, 'makeRequest', {
      before: (connection, request) => this.#uses(connection, textOf(request)),
    });
  }

  #connects(connection: Connection, wrapper: Method): Request | null {
    const request = this.#desk.ask(this.#source, wrapper);
    const { stack = [] } = request.site ?? {};
    const caller = stack.find(({ file }) => !this.#folders.has(file));
    if (caller?.user !== true || stack.some(({ file }) => OF_POOL.test(file))) return null;
    const ref = new WeakRef(connection);
    const lease = this.#desk.open(request, { ref, isGone: () => ref.deref()?.closed !== false });
    this.#desk.bare(connection, lease);
    this.#bare.set(connection, lease);
    return request;
  }

  #closes(connection: Connection, wrapper: Method): void {
    const lease = this.#bare.get(connection);
    if (lease && !lease.closed) this.#desk.close(lease, wrapper);
  }

  #says(connection: Connection, text: string | null, wrapper: Method): void {
    if (text !== null) this.#sessions.says({ driver: DRIVER, connection, text, values: [] }, wrapper);
  }

  #uses(connection: Connection, text: string | null): void {
    const lease = this.#bare.get(connection);
    if (lease && !lease.closed) this.#desk.use(lease, text);
  }

  *#peers() {
    for (const { open } of this.#source.accounts.values()) {
      for (const resource of open) {
        const connection = resource.ref?.deref();
        if (connection) yield { resource, peer: peerOf(connection, 'used') };
      }
    }
  }
}

/** Of a procedure its name. */
function textOf(request: unknown): string | null {
  const { sqlTextOrProcedure: text } = (request ?? {}) as { sqlTextOrProcedure?: unknown };
  return typeof text === 'string' ? text : null;
}
