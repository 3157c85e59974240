/** On a stand-in for the server, whose cursors never end by themselves: what is tested is the driver's own side. */
import { createRequire } from 'node:module';
import { listen } from '../../tools/mongodb/standin.cjs';
import { emitted, errorOf, ownOf } from './outcomes.mjs';

const require = createRequire(new URL('../../tools/mongodb/run.mjs', import.meta.url));
const { BSON, MongoClient, ObjectId, MongoServerSelectionError } = require('mongodb-7.9.0');

export async function open() {
  const server = await listen(BSON);
  const client = await new MongoClient(server.url).connect();
  return { server, client, orders: client.db('shop').collection('orders') };
}

export async function close({ server, client }) {
  await client.close();
  server.stop();
}

const POOL = ['connectionPoolCreated', 'connectionPoolReady', 'connectionCheckedOut', 'connectionCheckedIn'];

/** What a fresh client does that is closed afterwards. */
async function withClient({ server }, work, options) {
  const client = new MongoClient(server.url, options);
  const value = await work(client);
  await client.close();
  return value;
}

export const documented = {
  'names and arities': ({ client }) => [
    client.connect,
    client.close,
    client.db,
    client.startSession,
    client.withSession,
  ],
  'of cursors': ({ orders }) => {
    const { next, hasNext, tryNext, close, forEach, toArray } = orders.find();
    return [next, hasNext, tryNext, close, forEach, toArray];
  },
  'own properties of a client, a session and a cursor': async ({ client, orders }) => {
    const session = client.startSession();
    await session.endSession();
    return [client, session, orders.find()].map(ownOf);
  },
  'methods are those of the prototype': ({ client, orders }) => [
    ...['connect', 'close', 'startSession'].map((name) => Object.hasOwn(client, name)),
    ...['next', 'close'].map((name) => Object.hasOwn(orders.find(), name)),
  ],
  'connect gives the client': (context) =>
    withClient(context, async (client) => [(await client.connect()) === client, (await client.connect()) === client]),
  'connects with its first command': (context) =>
    withClient(context, async (client) => {
      const seen = emitted(client, 'open', 'close', 'topologyOpening');
      await client.db('shop').command({ ping: 1 });
      return seen;
    }),
  'events of a client': (context) =>
    withClient(context, async (client) => {
      const seen = emitted(client, 'open', 'close', 'topologyOpening', 'topologyClosed', 'serverOpening');
      await client.connect();
      await client.close();
      return seen;
    }),
  'events of its pool': (context) =>
    withClient(context, async (client) => {
      const seen = emitted(client, ...POOL);
      await client.db('shop').command({ ping: 1 });
      return [...new Set(seen)].toSorted();
    }),
  'events of commands': (context) =>
    withClient(
      context,
      async (client) => {
        const told = [];
        client.on('commandStarted', ({ commandName }) => told.push(commandName));
        client.on('commandSucceeded', ({ commandName, reply }) => told.push([commandName, reply.ok]));
        await client.db('shop').command({ ping: 1 });
        return told;
      },
      { monitorCommands: true },
    ),
  'is closed twice, and connects again': (context) =>
    withClient(context, async (client) => {
      await client.connect();
      const closed = [await client.close(), await client.close()];
      const refused = await errorOf(() => client.db('shop').command({ ping: 1 }));
      await client.connect();
      return [...closed, refused, (await client.db('shop').command({ ping: 1 })).ok];
    }),
  'a server that is not there': async () => {
    const client = new MongoClient('mongodb://127.0.0.1:1/', { serverSelectionTimeoutMS: 50 });
    const error = await errorOf(() => client.connect());
    await client.close();
    return [error.name, error instanceof MongoServerSelectionError];
  },
  'wrong addresses and options': async () => [
    await errorOf(async () => new MongoClient('http://127.0.0.1/')),
    await errorOf(async () => new MongoClient('mongodb://127.0.0.1/', { unknown: true })),
  ],
  'a session ends once': async ({ client }) => {
    const session = client.startSession();
    const seen = emitted(session, 'ended');
    const before = session.hasEnded;
    return [before, await session.endSession(), await session.endSession(), session.hasEnded, seen];
  },
  'sessions have names of their own': async ({ client }) => {
    const [a, b] = [client.startSession(), client.startSession()];
    const areEqual = a.equals(b);
    await Promise.all([a.endSession(), b.endSession()]);
    return [areEqual, a.equals(a)];
  },
  'withSession ends it': async ({ client }) => {
    let given;
    const value = await client.withSession(async (session) => {
      given = session;
      return 7;
    });
    return [value, given.hasEnded];
  },
  'withSession ends it where the work fails': async ({ client }) => {
    let given;
    const failing = async (session) => {
      given = session;
      throw new RangeError('no');
    };
    return [await errorOf(() => client.withSession(failing)), given.hasEnded];
  },
  'a session by await using': async ({ client }) => {
    const session = client.startSession();
    await session[Symbol.asyncDispose]();
    return session.hasEnded;
  },
  'states of a transaction': async ({ client }) => {
    const session = client.startSession();
    session.startTransaction();
    const states = [session.inTransaction(), await errorOf(async () => session.startTransaction())];
    await session.abortTransaction();
    states.push(session.inTransaction(), await errorOf(() => session.commitTransaction()));
    await session.endSession();
    return states;
  },
  'an ended session is of no use': async ({ client, orders }) => {
    const session = client.startSession();
    await session.endSession();
    return errorOf(() => orders.find({}, { session }).next());
  },
  'next, hasNext and tryNext': async ({ orders }) => {
    const cursor = orders.find();
    const seen = [await cursor.hasNext(), await cursor.next(), await cursor.tryNext(), await cursor.next()];
    return [seen, await cursor.close(), cursor.closed];
  },
  'a loop that breaks closes its cursor': async ({ orders }) => {
    const cursor = orders.find();
    const seen = [];
    for await (const { n } of cursor) if (seen.push(n) === 2) break;
    return [seen, cursor.closed];
  },
  'a cursor by await using': async ({ orders }) => {
    const cursor = orders.find();
    await cursor.next();
    await cursor[Symbol.asyncDispose]();
    return cursor.closed;
  },
  'a cursor is a stream': async ({ orders }) => {
    const rows = orders.find().stream({ transform: ({ n }) => ({ doubled: 2 * n }) });
    const seen = [];
    for await (const row of rows) if (seen.push(row) === 3) break;
    return [seen, rows.destroyed];
  },
  'events of a cursor': async ({ orders }) => {
    const cursor = orders.find();
    const seen = emitted(cursor, 'close');
    await cursor.next();
    await cursor.close();
    await cursor.close();
    return seen;
  },
  'a cursor is cloned and rewound': async ({ orders }) => {
    const cursor = orders.find();
    const first = await cursor.next();
    const cloned = cursor.clone();
    cursor.rewind();
    const again = [first, await cloned.next(), await cursor.next()];
    await Promise.all([cloned.close(), cursor.close()]);
    return again;
  },
  'cursors that are mapped, and changed too late': async ({ orders }) => {
    const cursor = orders.find().map(({ n }) => `no. ${n}`);
    return [await cursor.next(), await errorOf(async () => cursor.limit(1)), await cursor.close()];
  },
  'names of objects': () => new ObjectId('0123456789abcdef01234567').toHexString(),
};
