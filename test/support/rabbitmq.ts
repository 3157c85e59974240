/** A RabbitMQ on private ports. It takes a quarter of a minute to start: its tests are a script of their own. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './temporary-folder.ts';

const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
export const HAS_RABBITMQ: boolean = existsSync(SERVER);

export async function startRabbitMq(): Promise<{ env: { AMQP_URL: string }; stop(): Promise<void> }> {
  const folder = temporaryFolder();
  const [port, distribution, epmd] = [await freePort(), await freePort(), await freePort()];
  const env = {
    ...{
      ...process.env,
      HOME: folder.path,
      ERL_EPMD_PORT: String(epmd),
      RABBITMQ_NODENAME: `outlive${port}@localhost`,
    },
    ...{
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(distribution),
    },
    ...{ RABBITMQ_MNESIA_BASE: folder.path, RABBITMQ_LOG_BASE: folder.path, RABBITMQ_LOGS: '-' },
    RABBITMQ_ENABLED_PLUGINS_FILE: path.join(folder.path, 'plugins'),
    RABBITMQ_CONFIG_FILE: path.join(folder.path, 'rabbitmq'),
  };
  const server = spawn(SERVER, { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const ended = once(server, 'exit');
  for await (const chunk of server.stdout) if (String(chunk).includes('Server startup complete')) break;
  server.stdout.resume();
  return {
    env: { AMQP_URL: `amqp://guest:guest@127.0.0.1:${port}` },
    async stop() {
      process.kill(-(server.pid as number), 'SIGTERM');
      await ended;
      // the port mapper that it started is a daemon
      spawnSync('epmd', ['-port', String(epmd), '-kill']);
      folder[Symbol.dispose]();
    },
  };
}
