import { once } from 'node:events';
import { createClient, createClientPool } from 'redis';
import { emitted, errorOf, ownOf } from './outcomes.mjs';

const url = `redis://127.0.0.1:${process.env.REDIS_PORT}`;

export async function open() {
  const client = createClient({ url });
  client.on('error', () => {});
  const connected = await client.connect();
  await client.flushAll();
  return { client, connected };
}

export async function close() {}

export const documented = {
  'connect gives the client': ({ client, connected }) => [client === connected, client.isOpen, client.isReady],
  commands: async ({ client }) => [await client.set('a', '1'), await client.get('a'), await client.get('none')],
  'names and arities': ({ client }) => [
    client.connect,
    client.close,
    client.destroy,
    client.duplicate,
    client.sendCommand,
  ],
  'own properties of a client': ({ client }) => ownOf(client),
  'an error of the server': async ({ client }) => errorOf(() => client.lPush('a', '1')),
  'a wrong argument': async ({ client }) => errorOf(() => client.set('a', { b: 1 })),
  'hashes, lists and sets': async ({ client }) => {
    await client.hSet('h', { x: '1' });
    await client.rPush('l', ['1', '2']);
    return [{ ...(await client.hGetAll('h')) }, await client.lRange('l', 0, -1)];
  },
  multi: ({ client }) => client.multi().set('m', '1').incr('m').exec(),
  'an error within multi': async ({ client }) => {
    const { name, errorIndexes } = await errorOf(() => client.multi().set('t', 'x').incr('t').exec());
    return [name, errorIndexes];
  },
  'publish and subscribe': async ({ client }) => {
    const subscriber = client.duplicate();
    await subscriber.connect();
    const heard = Promise.withResolvers();
    await subscriber.subscribe('news', (message, channel) => heard.resolve([message, channel]));
    await client.publish('news', 'hello');
    const message = await heard.promise;
    await subscriber.unsubscribe('news');
    return [message, await subscriber.close()];
  },
  scanIterator: async ({ client }) => {
    const keys = [];
    for await (const found of client.scanIterator({ MATCH: 'h*' })) keys.push(found);
    return keys;
  },
  'blocking on a duplicate': async ({ client }) => {
    const waiting = await client.duplicate().connect();
    const popped = waiting.blPop('queue', 5);
    await client.lPush('queue', 'job');
    const result = { ...(await popped) };
    return [result, await waiting.close()];
  },
  'events of a life': async ({ client }) => {
    const own = client.duplicate();
    const seen = emitted(own, 'connect', 'ready', 'end', 'error');
    await own.connect();
    await own.close();
    return [seen, own.isOpen];
  },
  'destroy refuses what waits': async ({ client }) => {
    const own = await client.duplicate().connect();
    const waiting = errorOf(() => own.blPop('never', 5));
    own.destroy();
    return waiting;
  },
  'a server that is not there': async () => {
    const client = createClient({ url: 'redis://127.0.0.1:1', socket: { reconnectStrategy: false } });
    const failed = once(client, 'error');
    return [(await errorOf(() => client.connect())).code, (await failed)[0].code];
  },
  'a pool lends to a function': async () => {
    const pool = createClientPool({ url }, { minimum: 1, maximum: 2 });
    await pool.connect();
    const own = await pool.execute(async (client) => [await client.ping(), typeof client.release]);
    const failed = await errorOf(() => pool.execute(() => Promise.reject(new RangeError('no'))));
    const counts = [pool.totalClients, pool.clientsInUse, pool.tasksQueueLength];
    return [own, failed, counts, await pool.ping(), await pool.close()];
  },
  'a pool whose clients are all out': async () => {
    const pool = createClientPool({ url }, { minimum: 1, maximum: 1, acquireTimeout: 100 });
    await pool.connect();
    const held = Promise.withResolvers();
    const holding = pool.execute(() => held.promise);
    const error = await errorOf(() => pool.execute((client) => client.ping()));
    held.resolve('held');
    return [error, await holding, pool.destroy()];
  },
  'the module': () => [createClient, createClientPool],
  'commands after close': async ({ client }) => [await client.close(), await errorOf(() => client.get('a'))],
};
