/** How things are done with the pools of node-redis, on the server at REDIS_PORT. They lend for the time of a task. */
import net from 'node:net';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { createClient, createClientPool } from 'redis';
import { anotherCopy } from './another-copy.mjs';

const port = Number(process.env.REDIS_PORT);
/** What ends the task that a client is lent for. */
const tasks = new WeakMap();

export const poolName = (n) => `redis pool #${n}`;
export const finds = ['outlived-scope', 'likely'];
/** Who gives it the task is to see that it ends. */
export const lendsForTasks = true;
export const minimum = 2;

export async function createPool(_, { max, waitMs, isSubclass, isCopy, min = 0, socket, ...options }) {
  const create = isCopy ? anotherCopy('redis').createClientPool : createClientPool;
  const pool = create(
    { socket: { host: '127.0.0.1', port, ...socket } },
    { minimum: min, maximum: max, ...(waitMs && { acquireTimeout: waitMs }), ...options },
  );
  pool.on('error', () => {});
  if (isSubclass) {
    // its classes are made to measure: one is extended as tracers do it
    pool.calls = 0;
    pool.execute = function execute(task) {
      this.calls++;
      return Object.getPrototypeOf(this).execute.call(this, task);
    };
  }
  return pool.connect();
}

/** `execute` is given a task that is over when the client is given back. */
function lent(execute, then) {
  return new Promise((resolve, reject) => {
    const executed = execute((client) => {
      then?.();
      return new Promise((end) => {
        tasks.set(client, async () => {
          end();
          await executed;
          await turn();
        });
        resolve(client);
      });
    });
    executed.catch(reject);
  });
}

export const acquires = { 'execute()': (pool, then) => lent((task) => pool.execute(task), then) };
export const takeForJob = (pool) => lent((task) => pool.execute(task)); // forgotten here
export const releases = { 'the end of the task': (_, client) => tasks.get(client)() };
export const borrows = {
  'a task that is done at once': (pool) => pool.execute(() => 1),
  'a task that throws': (pool) =>
    pool.execute(() => {
      throw new Error('no');
    }),
  'a task that fails': (pool) => pool.execute(async (client) => client.sendCommand(['NOTHING'])),
  'a command': (pool) => pool.ping(),
  'sendCommand()': (pool) => pool.sendCommand(['PING']),
  'multi()': (pool) => pool.multi().ping().ping().exec(),
};
export const use = (client) => client.ping();
/** There is nothing that one could give back. */
export const giveBackForeign = async () => {};
export const close = (pool) => pool.close();
export const dispose = async (pool) => pool.destroy();
export const counts = ({ clientsInUse: used, idleClients: idle, tasksQueueLength: pending }) => ({
  used,
  idle,
  pending,
});
export const calls = (pool) => pool.calls;
/** It is said when the pool is made. */
export const waitsAtMost = () => {};
export const waiting = { acquireTimeout: 300 };
export const refusing = () => ({ socket: { port: 1, reconnectStrategy: false } });
export const hanging = async () => {
  const server = net.createServer(() => {}).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { socket: { port: server.unref().address().port } };
};
export const validating = {};
export const evicting = { cleanupDelay: 20 };
export const queueing = null;

/** The server ends the session while it lies idle; the client connects again. */
async function breakConnection(_, client) {
  const id = await client.sendCommand(['CLIENT', 'ID']);
  const isBack = new Promise((resolve) => client.once('ready', resolve));
  const other = await createClient({ socket: { host: '127.0.0.1', port } }).connect();
  await other.sendCommand(['CLIENT', 'KILL', 'ID', String(id)]);
  await other.close();
  await Promise.race([isBack, sleep(2000)]);
}

export { breakConnection as break };
