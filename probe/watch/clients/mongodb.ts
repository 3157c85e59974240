/**
 * mongodb 4.17 to 7: clients from `connect` to `close`, sessions that the service starts, and cursors from their first
 * answer until they are exhausted or closed. A cursor whose object is gone nobody can close: the server keeps its side
 * until that times out. The pools of a client are its own.
 */
import type { Resource } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import { onFirstSet } from '../../process/first-set.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { Clients, Folders } from './clients.ts';

const PART = 'mongodb' satisfies AdapterName;

interface Session {
  hasEnded: boolean;
  /** False: the driver's own, for one operation. */
  explicit: boolean;
}

interface Cursor {
  closed: boolean;
  cursorClient?: object;
}

/** What begins a cursor and what knows its client have been symbols before 6.9. */
const symbolIn = (owner: object, description: string): symbol | undefined =>
  Object.getOwnPropertySymbols(owner).find((symbol) => symbol.description === description);

function clientOf(cursor: Cursor): object | undefined {
  const key = symbolIn(cursor, 'kClient');
  return key === undefined ? cursor.cursorClient : Reflect.get(cursor, key);
}

export function attachments(desk: Desk): Attachments {
  const folders = new Folders();
  const clients = new Clients<object>(
    desk,
    { adapter: PART, nature: 'client', library: PART, hasEnded: () => false },
    folders,
  );
  const sessions = new Clients<Session>(
    desk,
    { adapter: PART, nature: 'session', library: `${PART} session`, hasEnded: ({ hasEnded }) => hasEnded },
    folders,
  );
  const cursors = new Clients<Cursor>(
    desk,
    {
      ...{ adapter: PART, nature: 'cursor', library: `${PART} cursor` },
      hasEnded: ({ closed }) => closed,
      isLostWithObject: true,
    },
    folders,
  );
  const endsWith = (client: object | undefined) => {
    const owner: Resource | undefined = client && clients.resourceOf(client);
    return owner && { owner, bond: 'ends with it' as const };
  };
  return {
    mongodb({ MongoClient, ClientSession, AbstractCursor }, file) {
      folders.add(file);
      // the first that the constructor of an emitter sets
      onFirstSet<object>(PART, MongoClient.prototype, '_events', (client, _, setter) => clients.made(client, setter));
      clients.openedBy(MongoClient.prototype, 'connect', (self) => self);
      clients.closedBy(MongoClient.prototype, ['close']);
      around<object>(PART, MongoClient.prototype, 'startSession', {
        after: (client, session: Session, _, wrapper) => {
          if (!session.explicit) return;
          sessions.made(session, wrapper);
          sessions.opened(session, endsWith(client));
        },
      });
      sessions.closedBy(ClientSession.prototype, ['endSession']);
      onFirstSet<Cursor>(PART, AbstractCursor.prototype, '_events', (cursor, _, setter) =>
        cursors.made(cursor, setter),
      );
      around<Cursor>(PART, AbstractCursor.prototype, [symbolIn(AbstractCursor.prototype, 'kInit') ?? 'cursorInit'], {
        before: (cursor) => cursors.opened(cursor, endsWith(clientOf(cursor))),
      });
      cursors.closedBy(AbstractCursor.prototype, ['close', 'cleanup']);
    },
  };
}
