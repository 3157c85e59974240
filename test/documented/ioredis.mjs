import { once } from 'node:events';
import Redis from 'ioredis';
import { answers, emitted, errorOf, ownOf, readAll } from './outcomes.mjs';

const port = Number(process.env.REDIS_PORT);

export async function open() {
  const redis = new Redis(port, { keyPrefix: 'ioredis:' });
  await redis.flushall();
  return { redis };
}

export async function close() {}

export const documented = {
  'commands give promises': async ({ redis }) => [
    await redis.set('a', 1),
    await redis.get('a'),
    await redis.get('none'),
  ],
  'commands take callbacks': ({ redis }) => answers((told) => redis.get('a', told)),
  'names and arities': ({ redis }) => [redis.connect, redis.disconnect, redis.quit, redis.duplicate, redis.sendCommand],
  'own properties of a client': ({ redis }) => ownOf(redis),
  'methods are those of the prototype': ({ redis }) =>
    ['connect', 'disconnect', 'quit', 'sendCommand'].map((name) => Object.hasOwn(redis, name)),
  'a wrong type is a ReplyError': async ({ redis }) => {
    const { name, message, command } = await errorOf(() => redis.lpush('a', 1));
    return [name, message, command];
  },
  'hashes, lists and sets': async ({ redis }) => {
    await redis.hset('h', { x: 1, y: 2 });
    await redis.rpush('l', 1, 2, 3);
    await redis.sadd('s', 'm');
    return [await redis.hgetall('h'), await redis.lrange('l', 0, -1), await redis.smembers('s')];
  },
  buffers: async ({ redis }) => (await redis.getBuffer('a')).toString('hex'),
  pipelines: async ({ redis }) => redis.pipeline().set('p', 1).incr('p').lpush('p', 1).exec(),
  'an array of commands': ({ redis }) =>
    redis
      .pipeline([
        ['set', 'q', 1],
        ['get', 'q'],
      ])
      .exec(),
  'multi and exec': ({ redis }) => redis.multi().set('m', 1).incr('m').exec(),
  'multi without a pipeline': async ({ redis }) => {
    const queued = [await redis.multi({ pipeline: false }), await redis.set('n', 1)];
    return [...queued, await redis.exec()];
  },
  'a watched key that changes': async ({ redis }) => {
    const other = redis.duplicate();
    await redis.watch('w');
    await other.set('w', 1);
    const result = await redis.multi().set('w', 2).exec();
    return [result, await other.quit()];
  },
  scripts: async ({ redis }) => {
    redis.defineCommand('echoes', { numberOfKeys: 1, lua: 'return {KEYS[1], ARGV[1]}' });
    return [await redis.echoes('k', 'v'), redis.echoes];
  },
  'publish and subscribe': async ({ redis }) => {
    const subscriber = redis.duplicate();
    const count = await subscriber.subscribe('news', 'other');
    const heard = once(subscriber, 'message');
    await redis.publish('news', 'hello');
    const message = await heard;
    await subscriber.unsubscribe();
    return [count, message, await subscriber.get('a'), await subscriber.quit()];
  },
  patterns: async ({ redis }) => {
    const subscriber = redis.duplicate();
    await subscriber.psubscribe('ne?s');
    const heard = once(subscriber, 'pmessage');
    await redis.publish('news', 'hello');
    const message = await heard;
    subscriber.disconnect();
    await once(subscriber, 'end');
    return message;
  },
  blocking: async ({ redis }) => {
    const waiting = redis.duplicate();
    const popped = waiting.blpop('queue', 5);
    await redis.lpush('queue', 'job');
    return [await popped, await waiting.blpop('queue', 0.05), await waiting.quit()];
  },
  scanStream: async ({ redis }) => (await readAll(redis.scanStream({ match: 'ioredis:h*' }))).flat(),
  'status and events of a life': async () => {
    const redis = new Redis(port, { lazyConnect: true });
    const seen = emitted(redis, 'wait', 'connecting', 'connect', 'ready', 'close', 'end');
    const before = redis.status;
    await redis.connect();
    const during = redis.status;
    await redis.quit();
    if (redis.status !== 'end') await once(redis, 'end');
    return [before, during, redis.status, seen];
  },
  'connecting twice': async ({ redis }) => errorOf(() => redis.connect()),
  'no more retries': async () => {
    const redis = new Redis(1, { retryStrategy: () => null, maxRetriesPerRequest: 0 });
    const failed = once(redis, 'error');
    const error = await errorOf(() => redis.get('a'));
    return [error.name, (await failed)[0].code, redis.status];
  },
  'without an offline queue': async () => {
    const redis = new Redis(port, { enableOfflineQueue: false, lazyConnect: true });
    const error = await errorOf(() => redis.get('a'));
    redis.disconnect();
    return error;
  },
  commandTimeout: async ({ redis }) => {
    const hurried = redis.duplicate({ commandTimeout: 1000 });
    const error = await errorOf(() => hurried.blpop('never', 5));
    hurried.disconnect();
    return error;
  },
  'select and options of a duplicate': async ({ redis }) => {
    const other = redis.duplicate({ db: 3 });
    await other.set('of-three', 1);
    const { db, keyPrefix } = other.options;
    return [db, keyPrefix, await redis.get('of-three'), await other.get('of-three'), await other.quit()];
  },
  'commands after quit': async ({ redis }) => [await redis.quit(), await errorOf(() => redis.get('a'))],
};
