/**
 * mongodb 6.9 and 7: clients from `connect` to `close`, sessions that the service starts, and cursors from their first
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
      around<Cursor>(PART, AbstractCursor.prototype, 'cursorInit', {
        before: (cursor) => cursors.opened(cursor, endsWith(cursor.cursorClient)),
      });
      cursors.closedBy(AbstractCursor.prototype, ['close', 'cleanup']);
    },
  };
}
