/** A Redis server on a private port, for the tests of its clients. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const HAS_REDIS: boolean = spawnSync('redis-server', ['--version']).status === 0;

export interface RedisServer {
  port: number;
  /** What a program needs to find it. */
  env: { REDIS_PORT: string };
  stop(): Promise<void>;
}

export async function startRedis(): Promise<RedisServer> {
  const folder = temporaryFolder();
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder.path];
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(server, 'exit');
  for await (const chunk of server.stdout) if (String(chunk).includes('Ready to accept connections')) break;
  server.stdout.resume();
  return {
    port,
    env: { REDIS_PORT: String(port) },
    async stop() {
      server.kill();
      await ended;
      folder[Symbol.dispose]();
    },
  };
}
