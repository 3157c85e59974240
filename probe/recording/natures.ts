/**
 * What kinds of things there are: one row each, pure data, read by the probe and by the reports. Whatever differs from
 * one kind of resource to the next stands here; no code elsewhere asks for a nature by its name.
 */
import type { Detector, Kind } from './format.ts';

/** A detector, or one of its parts: `growth/pools` is the part of `growth` that looks at pools. */
export const RULES = [
  'collected',
  'unreachable',
  'outlived-scope/stranded',
  'fail-path',
  'outlived-scope/pool',
  'outlived-scope/lease',
  'outlived-scope/transaction',
  'outlived-scope/lock',
  'outlived-scope/session',
  'outlived-scope/loop',
  'flow-ended/time-out',
  'outlived-scope/one-shot',
  'superseded',
  'flow-ended',
  'flow-ended/own',
  'growth/pools',
  'growth/floors',
  'growth/at-rest',
  'growth/ongoing',
  'keeps-alive',
  'held-too-long',
] as const satisfies readonly (Detector | `${Detector}/${string}`)[];
export type Rule = (typeof RULES)[number];

/** Stacks that a fresh process may take at once, so that short programs are seen whole. Each budget is rationed by itself. */
export const STACK_BUDGETS = {
  leases: 2000,
  intervals: 500,
  timeouts: 500,
  handles: 500,
  files: 200,
  sockets: 500,
  requests: 300,
} as const;
export type StackBudgetName = keyof typeof STACK_BUDGETS;

/** What a report's reader is told it is about. */
export type Matter = 'resource' | 'transaction' | 'session' | 'pools' | 'memory' | 'growth';

export interface Nature {
  readonly kind: Kind;
  /** `each`: entered in the ledger while it is open; `counted`: without a stack, numbers alone. */
  readonly entry: 'each' | 'counted';
  /**
   * How it comes to its right end: by whoever took it, by itself, when nothing refers to it any more (so that only a
   * collection tells), or never, since it is kept for the program's life.
   */
  readonly ends: 'given back' | 'closed' | 'by itself' | 'collected' | 'never';
  /** Part of the totals and of what is open; false where it is seen through others, which are counted. */
  readonly isTotalled: boolean;
  /** Whether how long it is usually open says something about the next one. */
  readonly isTimed: boolean;
  /** Whether its use shows from outside: one that lies idle then says more. */
  readonly showsUse?: true;
  /** What it does by itself keeps the flow that made it: that this goes on tells nothing. */
  readonly keepsFlow?: true;
  /** Many programs begin several at one line, one after the other, and keep them. */
  readonly isOftenSeveral?: true;
  /** Made by a call that waits for it, as code does that has no turns at all: that many are of one turn tells nothing. */
  readonly isMadeAtOnce?: true;
  /** Its peer ends it as often as not, and the program connects again: that others have ended tells nothing. */
  readonly isOfPeer?: true;
  /** Judged at rest also where no line of the user's made it: so many on one holder are no library's habit. */
  readonly ofAnyCode?: true;
  /** Whom it is shown to; of equally certain verdicts the first one names the finding. */
  readonly judgedBy: readonly Rule[];
  readonly stacks: StackBudgetName;
  /** CPU of one, opened and closed without a stack, milliseconds: measured by `npm run bench` on Node 24. */
  readonly costMs: number;
  readonly matter: Matter;
  readonly words: {
    readonly one: string;
    readonly many: string;
    /** What to change. */
    readonly advice: string;
    /** Code that gives one back, by library; `{name}` is its variable, `{pool}` what it was taken from. */
    readonly release: Readonly<Record<string, string>>;
  };
}

const LEASE_RULES: readonly Rule[] = [
  'collected',
  'unreachable',
  'outlived-scope/stranded',
  'fail-path',
  'outlived-scope/pool',
  'outlived-scope/lease',
  'superseded',
  'flow-ended',
  'growth/floors',
  'held-too-long',
];

const LEASE: Nature = {
  kind: 'connection',
  entry: 'each',
  ends: 'given back',
  isTotalled: true,
  isTimed: true,
  judgedBy: LEASE_RULES,
  stacks: 'leases',
  costMs: 0.0007,
  matter: 'resource',
  words: {
    one: 'connection',
    many: 'connections',
    advice: 'Release it in a finally block, so that no error or early return in between can skip it.',
    release: {
      pg: '{name}.release();',
      mysql2: '{name}.release();',
      mysql: '{name}.release();',
      mariadb: 'await {name}.release();',
      postgres: '{name}.release();',
      oracledb: 'await {name}.close();',
      'generic-pool': 'await {pool}.release({name});',
      tarn: '{pool}.release({name});',
    },
  },
};

/** Opened on a lease, and closed by itself. */
const onLease = (one: string, many: string): Nature => ({
  ...LEASE,
  kind: 'stream',
  ends: 'closed',
  words: {
    one,
    many,
    advice: 'Destroy it on every path; pipeline() from node:stream/promises does.',
    release: {},
  },
});

/** A transaction that its lease was given back in. */
const transaction = (advice: string): Nature => ({
  ...LEASE,
  ends: 'closed',
  isTotalled: false,
  isTimed: false,
  judgedBy: ['fail-path', 'outlived-scope/transaction'],
  costMs: 0,
  matter: 'transaction',
  words: { one: 'transaction', many: 'transactions', advice, release: {} },
});

/** What a statement of its borrower left in the session of a lease that was given back. */
const leftInSession = (one: string, many: string, advice: string, rule: Rule = 'outlived-scope/session'): Nature => ({
  ...LEASE,
  ends: 'closed',
  isTotalled: false,
  judgedBy: ['fail-path', rule],
  costMs: 0,
  matter: 'session',
  words: { one, many, advice, release: {} },
});

/** Who judges what somebody has to close. */
const OF_WHAT_IS_CLOSED: Nature['judgedBy'] = [
  'fail-path',
  'outlived-scope/lease',
  'superseded',
  'flow-ended/own',
  'growth/floors',
  'growth/at-rest',
  'growth/ongoing',
];

/** Of what goes on by its events: that no code waits for it any more tells nothing, but its bytes are counted. */
const BY_EVENTS = { judgedBy: OF_WHAT_IS_CLOSED.filter((rule) => rule !== 'flow-ended'), showsUse: true } as const;

const INTERVAL: Nature = {
  kind: 'timer',
  entry: 'each',
  ends: 'closed',
  isTotalled: true,
  isTimed: true,
  judgedBy: OF_WHAT_IS_CLOSED,
  stacks: 'intervals',
  costMs: 0.0005,
  matter: 'resource',
  words: {
    one: 'timer',
    many: 'timers',
    advice: 'Clear it when the work that needs it ends.',
    release: { setInterval: 'clearInterval({name});' },
  },
};

/** What a service makes by itself, of Node's own classes, and has to end. */
const handle = (
  kind: Nature['kind'],
  one: string,
  many: string,
  advice: string,
  release: Nature['words']['release'] = {},
): Nature => ({
  kind,
  entry: 'each',
  ends: 'closed',
  isTotalled: true,
  isTimed: true,
  judgedBy: OF_WHAT_IS_CLOSED,
  stacks: 'handles',
  costMs: 0.001,
  matter: 'resource',
  words: { one, many, advice, release },
});

/** Made by a service for itself; most make one for life. Where its object alone can end it, dropped means lost. */
const client = (
  kind: Nature['kind'],
  one: string,
  many: string,
  advice: string,
  release: Nature['words']['release'],
): Nature => ({
  ...handle(kind, one, many, advice, release),
  judgedBy: ['collected', ...OF_WHAT_IS_CLOSED.filter((rule) => rule !== 'growth/ongoing')],
  keepsFlow: true,
});

const FILE: Nature = {
  ...handle('stream', 'file', 'files', 'Close it in a finally block, or declare it with `await using`.', {
    'fs.promises': 'await {name}.close();',
    fs: 'fs.closeSync({name});',
  }),
  stacks: 'files',
};

/** Counted where it is, and judged by itself: see judge/growths.ts. */
const grows = (kind: Kind, one: string, many: string, advice: string): Nature => ({
  ...{ kind, entry: 'counted', ends: 'closed', isTotalled: false, isTimed: false, judgedBy: [] },
  ...{ stacks: 'handles', costMs: 0, matter: 'growth', words: { one, many, advice, release: {} } },
});

const ROWS = {
  lease: LEASE,
  /** A pool itself: capacity, whose number may grow. */
  pool: {
    ...LEASE,
    ends: 'never',
    isTotalled: false,
    isTimed: false,
    judgedBy: ['growth/pools'],
    costMs: 0,
    matter: 'pools',
    words: {
      one: 'pool',
      many: 'pools',
      advice: 'Make one pool for all, created once when the program starts, and end it at shutdown.',
      release: {},
    },
  },
  transaction: transaction('Commit or roll back on every path before release.'),
  /** The same, begun by a statement that was given to the pool itself. */
  'transaction of a pool': transaction(
    'Take one client for the whole transaction: statements that are given to the pool may each run on another connection.',
  ),
  /** Of PostgreSQL. */
  'advisory lock': leftInSession(
    'advisory lock',
    'advisory locks',
    'Unlock it in a finally block, on the client that locked it; or take pg_advisory_xact_lock() inside a transaction, which ends with it.',
    'outlived-scope/lock',
  ),
  /** Of MySQL and MariaDB. */
  'named lock': leftInSession(
    'named lock',
    'named locks',
    'Call RELEASE_LOCK() in a finally block, on the connection that called GET_LOCK().',
    'outlived-scope/lock',
  ),
  'table lock': leftInSession(
    'lock of tables',
    'locks of tables',
    'Run UNLOCK TABLES in a finally block, on the connection that locked them.',
    'outlived-scope/lock',
  ),
  setting: leftInSession(
    'changed setting',
    'changed settings',
    'Change it by SET LOCAL inside a transaction, or RESET it in a finally block; what all are to have belongs into the pool’s own options, or its connect event.',
  ),
  /** Of MySQL and MariaDB, where SET LOCAL is of the session as well. */
  'session variable': leftInSession(
    'changed variable',
    'changed variables',
    'Set it back in a finally block, or run the one statement with the SET_VAR hint; what all are to have belongs into the pool’s connection event.',
  ),
  'default database': leftInSession(
    'changed default database',
    'changed default databases',
    'Name tables with their database, or keep one pool for each: USE stays in force for whoever has the connection next.',
  ),
  subscription: leftInSession(
    'subscription',
    'subscriptions',
    'LISTEN on a client of its own, which no pool lends, or UNLISTEN in a finally block.',
  ),
  'temporary table': leftInSession(
    'temporary table',
    'temporary tables',
    'Drop it in a finally block; in PostgreSQL ON COMMIT DROP does so, inside a transaction.',
  ),
  'prepared statement': leftInSession(
    'prepared statement',
    'prepared statements',
    'DEALLOCATE it in a finally block, or leave it to the driver to prepare statements.',
  ),
  'result set': onLease('result set', 'result sets'),
  'query stream': onLease('query stream', 'query streams'),
  LOB: onLease('LOB', 'LOBs'),
  client: client(
    'connection',
    'client',
    'clients',
    'Make one client when the program starts and share it; where one is needed for a while, close it in a finally block.',
    {
      ioredis: 'await {name}.quit();',
      redis: 'await {name}.close();',
      kafkajs: 'await {name}.disconnect();',
      amqplib: 'await {name}.close();',
      mongodb: 'await {name}.close();',
      '@grpc/grpc-js': '{name}.close();',
    },
  ),
  /** That streams: it goes on by its messages. */
  call: {
    ...handle(
      'stream',
      'streaming call',
      'streaming calls',
      'Read it to its end, or cancel() it in a finally block; a deadline ends one that is forgotten.',
      { '@grpc/grpc-js call': '{name}.cancel();' },
    ),
    ...BY_EVENTS,
  },
  /** Of a queue in Redis: who adds to it, works on it or listens to it. */
  queue: client(
    'connection',
    'queue client',
    'queue clients',
    'Make one queue, worker or listener for all jobs, and close it at shutdown: each has connections of its own.',
    { bullmq: 'await {name}.close();', bull: 'await {name}.close();' },
  ),
  'worker pool': client(
    'worker',
    'pool of workers',
    'pools of workers',
    'Make one pool when the program starts and share it; end it at shutdown.',
    { piscina: 'await {name}.close();', workerpool: 'await {name}.terminate();' },
  ),
  channel: client(
    'connection',
    'channel',
    'channels',
    'Keep one channel for all that is sent, or close it in a finally block.',
    { amqplib: 'await {name}.close();' },
  ),
  session: client('connection', 'session', 'sessions', 'End it in a finally block, or use withSession(), which does.', {
    'mongodb session': 'await {name}.endSession();',
  }),
  cursor: client(
    'stream',
    'cursor',
    'cursors',
    'Read it to its end, close it in a finally block, or iterate it by `for await`, which closes it.',
    { 'mongodb cursor': 'await {name}.close();' },
  ),
  /** In this process: what it holds are files and memory. */
  database: client(
    'connection',
    'database',
    'databases',
    'Open one when the program starts and share it; where one is needed for a while, close it in a finally block.',
    { 'better-sqlite3': '{name}.close();', 'node:sqlite': '{name}.close();' },
  ),
  /** Of such a database, by the service's own statement. */
  'begun transaction': {
    ...handle(
      'connection',
      'transaction',
      'transactions',
      'Commit or roll back on every path, as a function that is wrapped by transaction() does.',
    ),
    isTotalled: false,
    judgedBy: ['fail-path', 'outlived-scope/lease', 'superseded', 'flow-ended/own'],
    matter: 'transaction',
  },
  'row iterator': {
    ...client(
      'stream',
      'row iterator',
      'row iterators',
      'Read it by `for … of`, which ends it on every path, or call return() in a finally block: an open one keeps its database locked.',
      { 'better-sqlite3 iterator': '{name}.return();', 'node:sqlite iterator': '{name}.return();' },
    ),
    costMs: 0.004,
  },
  consumer: {
    ...client(
      'listener',
      'consumer',
      'consumers',
      'Cancel it by its consumerTag when nobody waits for its messages any more, or close its channel.',
      {},
    ),
    isOftenSeveral: true,
  },
  /** A function that a client keeps for a channel. */
  'message listener': {
    ...client(
      'listener',
      'listener to messages',
      'listeners to messages',
      'Take it away again, by the very same function, when nobody waits for its messages any more.',
      { 'postgres listener': 'await {name}.unlisten();' },
    ),
    isOftenSeveral: true,
  },
  interval: INTERVAL,
  /** Of a moment, unless it is set again and again. */
  timeout: {
    ...INTERVAL,
    entry: 'counted',
    ends: 'by itself',
    isTimed: false,
    judgedBy: ['outlived-scope/loop', 'outlived-scope/one-shot'],
    stacks: 'timeouts',
    costMs: 0.00005,
    words: { ...INTERVAL.words, release: { setTimeout: 'clearTimeout({name});' } },
  },
  /** That a loop awaits, by an async iterator. */
  'awaited interval': {
    ...INTERVAL,
    judgedBy: BY_EVENTS.judgedBy,
    words: {
      ...INTERVAL.words,
      advice: 'Leave the loop, or give it a signal that aborts when the work that needs it ends.',
      release: {},
    },
  },
  /** One that its own callback sets again, as an interval does. */
  'repeating timeout': {
    ...INTERVAL,
    judgedBy: ['fail-path', 'outlived-scope/lease', 'growth/floors', 'growth/at-rest', 'growth/ongoing'],
    stacks: 'timeouts',
    costMs: 0.00005,
    words: { ...INTERVAL.words, release: { setTimeout: 'clearTimeout({name});' } },
  },
  /** The same, of a loop that awaits one after the other. */
  'repeating sleep': {
    ...INTERVAL,
    judgedBy: ['fail-path', 'outlived-scope/lease', 'growth/floors', 'growth/at-rest', 'growth/ongoing'],
    stacks: 'timeouts',
    costMs: 0.00005,
    words: {
      ...INTERVAL.words,
      one: 'loop that sleeps',
      many: 'loops that sleep',
      advice: 'Leave the loop when the work that needs it ends, or give the sleep a signal that aborts then.',
      release: {},
    },
  },
  /** That its library sets for it. */
  'timer of a client': {
    ...INTERVAL,
    ends: 'by itself',
    isTotalled: false,
    judgedBy: ['outlived-scope/lease', 'growth/at-rest'],
    words: {
      one: 'timer of a client',
      many: 'timers of clients',
      advice: 'Its library leaves it running though nothing needs it: upgrade that, or make one client for all.',
      release: {},
    },
  },
  /** That its callback gives up by. */
  'time-out': {
    ...INTERVAL,
    ends: 'by itself',
    judgedBy: ['flow-ended/time-out', 'outlived-scope/one-shot'],
    stacks: 'timeouts',
    costMs: 0.002,
    words: {
      one: 'time-out',
      many: 'time-outs',
      advice:
        'Clear it in a finally block when what it waits for is over: until it fires it keeps that, and the process.',
      release: { setTimeout: 'clearTimeout({name});' },
    },
  },
  thread: {
    ...handle(
      'worker',
      'worker thread',
      'worker threads',
      'Terminate each worker when its work is done, or keep one pool of them.',
      { Worker: 'await {name}.terminate();' },
    ),
    judgedBy: [...OF_WHAT_IS_CLOSED, 'keeps-alive'],
  },
  port: handle('port', 'message port', 'message ports', 'Close one of its two ends.', {
    MessageChannel: '{name}.port1.close();',
    BroadcastChannel: '{name}.close();',
  }),
  /** Most end by themselves. */
  child: handle(
    'child-process',
    'child process',
    'child processes',
    'End each child when its work is done: kill() it, or close what it reads from.',
    { child_process: '{name}.kill();' },
  ),
  /** What a child started, and left running when it ended. */
  grandchild: handle(
    'child-process',
    'process that an ended child left running',
    'processes that ended children left running',
    'End what the child starts with it: spawn it with `detached: true` and kill its group, `process.kill(-child.pid)`; or let it wait for what it started.',
  ),
  watcher: handle('watcher', 'watcher', 'watchers', 'Close it when nobody needs the news any more.', {
    'fs.watch': '{name}.close();',
    'fs.watchFile': '{name}.stop();',
  }),
  /** That a loop awaits, by an async iterator. */
  'awaited watcher': {
    ...handle(
      'watcher',
      'watcher',
      'watchers',
      'Leave the loop, or give it a signal that aborts when nobody needs the news.',
    ),
    judgedBy: BY_EVENTS.judgedBy,
  },
  'line reader': handle(
    'stream',
    'readline interface',
    'readline interfaces',
    'Close it when the last line was read.',
    {
      readline: '{name}.close();',
    },
  ),
  /** Its object is what closes it: dropped without, it is lost. */
  'file handle': { ...FILE, judgedBy: ['collected', ...FILE.judgedBy] },
  'file descriptor': { ...FILE, isMadeAtOnce: true },
  /** That is read entry by entry; lost as a file handle is. */
  directory: {
    ...FILE,
    judgedBy: ['collected', ...FILE.judgedBy],
    words: {
      ...FILE.words,
      one: 'directory',
      many: 'directories',
      advice: 'Close it in a finally block, or read it by `for await`, which closes it on every path.',
      release: { 'fs.opendir': '{name}.closeSync();' },
    },
  },
  'file stream': {
    ...FILE,
    ...BY_EVENTS,
    judgedBy: ['collected', ...BY_EVENTS.judgedBy],
    words: {
      ...FILE.words,
      one: 'file stream',
      many: 'file streams',
      advice: 'Destroy it on every path; pipeline() from node:stream/promises does.',
      release: {},
    },
  },
  context: {
    ...handle(
      'context',
      'native context',
      'native contexts',
      'See what still refers to something made in an old context: a timer, a listener, a cache of a library.',
    ),
    ends: 'collected',
    isTimed: false,
    judgedBy: ['outlived-scope/lease', 'growth/at-rest'],
  },
  /** Beyond what is usual on one emitter or event target. */
  listener: {
    ...handle(
      'listener',
      'listener',
      'listeners',
      'Remove it when what added it ends: once(), removeListener(), or the signal of addEventListener().',
    ),
    ofAnyCode: true,
    isTimed: false,
    judgedBy: ['outlived-scope/lease', 'growth/floors', 'growth/at-rest'],
  },
  'composite signal': {
    ...handle(
      'listener',
      'signal made of others',
      'signals made of others',
      'Remove what listens to it when its work ends: a signal with listeners lives as long as what it was made of.',
    ),
    ends: 'collected',
    isTimed: false,
    judgedBy: ['outlived-scope/lease', 'growth/at-rest'],
  },
  server: {
    ...handle('server', 'server', 'servers', 'Close each server that is no longer asked, or keep one for all.', {
      'net.Server': '{name}.close();',
    }),
    judgedBy: BY_EVENTS.judgedBy,
  },
  socket: {
    ...handle('socket', 'socket', 'sockets', 'Destroy it on every path, also where it times out or is not needed.', {
      net: '{name}.destroy();',
    }),
    ...BY_EVENTS,
    stacks: 'sockets',
  },
  'web socket': {
    ...handle('socket', 'WebSocket', 'WebSockets', 'Close it when nobody waits for its messages any more.', {
      WebSocket: '{name}.close();',
    }),
    ...BY_EVENTS,
    isOfPeer: true,
    stacks: 'sockets',
  },
  'datagram socket': {
    ...handle('socket', 'datagram socket', 'datagram sockets', 'Close it when its last answer came.', {
      dgram: '{name}.close();',
    }),
    judgedBy: BY_EVENTS.judgedBy,
  },
  /** With the sockets that it keeps: how many these are is its affair. */
  'HTTP agent': {
    ...handle(
      'socket',
      'HTTP agent',
      'HTTP agents',
      'Share one agent, made once: each keeps its sockets open until destroy() is called.',
      { 'http.Agent': '{name}.destroy();' },
    ),
    ...BY_EVENTS,
  },
  /** The same, of undici. */
  'HTTP client': {
    ...handle(
      'socket',
      'HTTP client',
      'HTTP clients',
      'Share one, made once: each has connections of its own until close() is called.',
      { undici: 'await {name}.close();' },
    ),
    ...BY_EVENTS,
  },
  response: {
    ...handle(
      'stream',
      'unread response',
      'unread responses',
      'Read each answer to its end, or give it up: resume() or destroy() in node:http, body.dump() in undici, body.cancel() of fetch.',
    ),
    ...BY_EVENTS,
    stacks: 'requests',
  },
  /** That was begun, and whose body never comes to its end. */
  request: {
    ...handle(
      'socket',
      'unfinished request',
      'unfinished requests',
      'Call end() or destroy() on every path; pipeline() from node:stream/promises does, also where its source breaks off.',
    ),
    ...BY_EVENTS,
    stacks: 'requests',
  },
  /** Of the heap, and outside of it what its objects hold. Only counted, between the rounds of a soak. */
  memory: {
    kind: 'memory',
    entry: 'counted',
    ends: 'closed',
    isTotalled: false,
    isTimed: false,
    judgedBy: [],
    stacks: 'timeouts',
    costMs: 0,
    matter: 'memory',
    words: {
      one: 'memory',
      many: 'MB of memory',
      advice: 'Compare two heap snapshots that are some rounds apart: see what there is more of, and what holds it.',
      release: {},
    },
  },
  /** Of a map, a set or an array that only grows; where OUTLIVE_GROWTH asks for it. */
  collection: grows('memory', 'element', 'elements', 'Bound it: remove what is no longer needed, or evict the oldest.'),
  /** On a promise that never settles, of races that are over; where OUTLIVE_GROWTH asks for it. */
  reaction: grows(
    'promise',
    'reaction',
    'reactions',
    'Race against a promise that ends with the work, or listen to an AbortSignal and stop listening in a finally block.',
  ),
} satisfies Record<string, Nature>;
export const NATURES: Readonly<Record<NatureName, Nature>> = ROWS;
export type NatureName = keyof typeof ROWS;

export const NATURE_NAMES = Object.keys(NATURES) as NatureName[];

/** Whether somebody has to give it back: not what is kept for life, nor what ends by itself. */
export function isOwed(nature: NatureName): boolean {
  const { ends } = NATURES[nature];
  return ends === 'given back' || ends === 'closed';
}
