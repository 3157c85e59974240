/** Well-known programs and small servers upon well-known libraries, with a way to keep each at work. */
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface Place {
  /** Where the program runs; empty but for its `files`. */
  folder: string;
  /** That it is to listen on. */
  port: number;
}
type Work = (place: Place & { turn: number }) => Promise<void>;

export interface Program {
  /** Below node_modules/, or of apps/: a program that gets its port as PORT. */
  entry: string;
  args?: (place: Place) => string[];
  files?: Record<string, string>;
  /** Whether it is there once somebody listens at the port. */
  listens?: boolean;
  /** One turn; without it the program keeps itself at work. */
  work?: Work;
  /** It is given a Redis server's port as REDIS. */
  usesRedis?: boolean;
}

/** Asks for each in turn: a path, or method, path and JSON. */
const asks =
  (...targets: (string | readonly [method: string, path: string, body: string])[]): Work =>
  async ({ port, turn }) => {
    const target = targets[turn % targets.length] as string | readonly [string, string, string];
    const [method, where, body] = typeof target === 'string' ? ['GET', target] : target;
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await fetch(`http://127.0.0.1:${port}${where}`, { method, headers, ...(body && { body }) });
    await response.arrayBuffer();
  };

/** Writes to a file that is watched. */
const touches =
  (file: string, text = '\n', everyTurns = 10): Work =>
  async ({ folder, turn }) => {
    if (turn % everyTurns === 0) appendFileSync(path.join(folder, file), text);
    await pause(30);
  };

const both =
  (...works: Work[]): Work =>
  async (context) => {
    for (const work of works) await work(context);
  };

const PAGE = '<!doctype html><body>a</body>';
const VERDACCIO = `storage: ./storage
auth: { htpasswd: { file: ./htpasswd } }
packages: { "**": { access: $all, publish: $all } }
log: { type: stdout, level: fatal }
`;

export const PROGRAMS: Record<string, Program> = {
  verdaccio: {
    entry: 'verdaccio/bin/verdaccio',
    args: ({ port }) => ['--listen', `127.0.0.1:${port}`, '--config', 'config.yaml'],
    files: { 'config.yaml': VERDACCIO },
    listens: true,
    work: asks('/-/ping', '/-/v1/search?text=x', '/nothing', '/', [
      'PUT',
      '/-/user/org.couchdb.user:u',
      '{"name":"u","password":"p"}',
    ]),
  },
  'json-server': {
    entry: 'json-server/lib/cli/bin.js',
    args: ({ port }) => ['--port', String(port), '--host', '127.0.0.1', '--watch', 'db.json', '--quiet'],
    files: { 'db.json': '{"posts":[{"id":1,"title":"a"}]}' },
    listens: true,
    work: asks('/posts', '/posts/1', ['POST', '/posts', '{"title":"b"}'], '/db'),
  },
  'http-server': {
    entry: 'http-server/bin/http-server',
    args: ({ port }) => ['.', '-p', String(port), '-s'],
    files: { 'a.html': 'x'.repeat(1e5) },
    listens: true,
    work: asks('/a.html', '/', '/none'),
  },
  serve: {
    entry: 'serve/build/main.js',
    args: ({ port }) => ['.', '-l', String(port), '--no-port-switching'],
    files: { 'a.html': 'x'.repeat(1e5) },
    listens: true,
    work: asks('/a.html', '/', '/none'),
  },
  vite: {
    entry: 'vite/bin/vite.js',
    args: ({ port }) => ['--port', String(port), '--host', '127.0.0.1', '--strictPort'],
    files: { 'index.html': '<script type=module src=/a.js></script>', 'a.js': "import './b.js';", 'b.js': 'export {}' },
    listens: true,
    work: both(asks('/', '/a.js', '/b.js'), touches('b.js')),
  },
  rollup: {
    entry: 'rollup/dist/bin/rollup',
    args: () => ['-w', '-i', 'a.mjs', '-o', 'out/o.mjs'],
    files: { 'a.mjs': "import './b.mjs';", 'b.mjs': 'export const b = 1;' },
    work: touches('b.mjs'),
  },
  typescript: {
    entry: 'typescript/lib/tsc.js',
    args: () => ['--watch', '--outDir', 'out', 'a.ts'],
    files: { 'a.ts': 'export const a: number = 1;\n' },
    work: touches('a.ts', 'export {};\n'),
  },
  webpack: {
    entry: 'webpack/bin/webpack.js',
    args: () => ['--watch', '--mode', 'development', '--entry', './a.js'],
    files: { 'a.js': "require('./b.js')", 'b.js': 'module.exports = 1;' },
    work: touches('b.js'),
  },
  eleventy: {
    entry: '@11ty/eleventy/cmd.cjs',
    args: ({ port }) => ['--serve', '--port', String(port), '--quiet'],
    files: { 'a.md': '# a\n', 'package.json': '{}' },
    listens: true,
    work: both(asks('/a/'), touches('a.md')),
  },
  'browser-sync': {
    entry: 'browser-sync/dist/bin.js',
    args: ({ port }) => ['start', '--server', '--no-open', '--no-ui', '--port', String(port), '--files', '*.html'],
    files: { 'index.html': PAGE },
    listens: true,
    work: both(asks('/', '/index.html'), touches('index.html')),
  },
  'live-server': {
    entry: 'live-server/live-server.js',
    args: ({ port }) => [`--port=${port}`, '--no-browser', '--host=127.0.0.1', '-q'],
    files: { 'index.html': PAGE },
    listens: true,
    work: both(asks('/', '/index.html'), touches('index.html')),
  },
  'node-red': {
    entry: 'node-red/red.js',
    args: ({ port }) => ['--port', String(port), '--userDir', '.'],
    listens: true,
    work: asks('/', '/flows', '/settings', '/nodes'),
  },
  nodemon: {
    entry: 'nodemon/bin/nodemon.js',
    args: () => ['-w', '.', 'a.js'],
    files: { 'a.js': 'setInterval(() => {}, 1000);\n' },
    work: touches('a.js', '\n', 100),
  },
  peer: {
    entry: 'peer/dist/bin/peerjs.js',
    args: ({ port }) => ['--port', String(port)],
    listens: true,
    work: asks('/', '/peerjs/id'),
  },
  express: { entry: 'apps/express.mjs', listens: true, work: asks('/', '/file', '/none') },
  koa: { entry: 'apps/koa.mjs', listens: true, work: asks('/', '/f') },
  fastify: { entry: 'apps/fastify.mjs', listens: true, work: asks('/', ['POST', '/', '{"a":1}'], '/none') },
  hono: { entry: 'apps/hono.mjs', listens: true, work: asks('/', '/none') },
  'graphql-yoga': {
    entry: 'apps/graphql-yoga.mjs',
    listens: true,
    work: asks(['POST', '/graphql', '{"query":"{a}"}'], '/graphql?query=subscription%7Bn%7D'),
  },
  'socket.io': { entry: 'apps/socket.io.mjs' },
  ws: { entry: 'apps/ws.mjs' },
  aedes: { entry: 'apps/aedes.mjs' },
  smtp: { entry: 'apps/smtp.mjs' },
  scheduler: { entry: 'apps/scheduler.mjs' },
  bullmq: { entry: 'apps/bullmq.mjs', usesRedis: true },
  chokidar: { entry: 'apps/chokidar.mjs' },
};
