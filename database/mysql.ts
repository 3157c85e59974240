/**
 * The side of MySQL and MariaDB. Who else is connected, and how long transactions are open, a user with `PROCESS` sees.
 * How long a session has been there the server does not tell: it is known from when it was first seen.
 */
import { lookup } from 'node:dns/promises';
import { isIP, type Socket } from 'node:net';
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import type { Look, ServerFacts, Session, SessionState } from '../probe/recording/database.ts';
import { sqlShape } from '../probe/recording/sql-shape.ts';
import { ServerProcesses } from './processes.ts';
import type { DatabaseSide } from './side.ts';

/** For connecting, and for every answer, milliseconds. */
const LIMIT_MS = 5000;

/** 1040: too many connections; 1203, 1226: of this user. */
const REFUSALS = new Set([1040, 1203, 1226]);

const FACTS = `select version() as version, @@max_connections as maxSessions, connection_id() as id,
  database() as \`database\`, @@pid_file as pidFile`;

/** MariaDB's, MySQL's from 8.0.22 on, and what all have. */
const LISTS = [
  'select id, host, db, command, time_ms as ms, state, left(info, 2000) as info from information_schema.processlist',
  'select id, host, db, command, time * 1000 as ms, state, left(info, 2000) as info from performance_schema.processlist',
  'select id, host, db, command, time * 1000 as ms, state, left(info, 2000) as info from information_schema.processlist',
];

const TRANSACTIONS = `select trx_mysql_thread_id as id, trx_state as state,
  timestampdiff(microsecond, trx_started, now(6)) / 1000 as ms from information_schema.innodb_trx`;

/** MariaDB's, and MySQL's. */
const BLOCKERS = [
  `select w.trx_mysql_thread_id as waiter, b.trx_mysql_thread_id as blocker from information_schema.innodb_lock_waits l
    join information_schema.innodb_trx w on w.trx_id = l.requesting_trx_id
    join information_schema.innodb_trx b on b.trx_id = l.blocking_trx_id`,
  `select w.trx_mysql_thread_id as waiter, b.trx_mysql_thread_id as blocker from performance_schema.data_lock_waits l
    join information_schema.innodb_trx w on w.trx_id = l.requesting_engine_transaction_id
    join information_schema.innodb_trx b on b.trx_id = l.blocking_engine_transaction_id`,
];

const TOTALS = `show global status where variable_name in
  ('Handler_commit', 'Handler_rollback', 'Innodb_deadlocks', 'Aborted_clients')`;

const ASLEEP = 'Sleep';
/** Threads of the server's own, and those of replicas. */
const NOT_A_CLIENT = /^(?:Daemon|Binlog Dump|Connect|Slave_)/;

interface Row {
  id: number;
  host: string | null;
  db: string | null;
  command: string;
  ms: number;
  state: string | null;
  info: string | null;
}

interface Transaction {
  id: number;
  state: string;
  ms: number;
}

interface Seen {
  rows: Row[];
  transactions: Map<number, Transaction>;
}

export class MysqlSide implements DatabaseSide {
  readonly kind = 'mysql';
  readonly name: string;
  readonly where: string;
  readonly #url: string;
  #connection: Connection | null = null;
  #id = -1;
  /** The host that the server knows our own address by. */
  #own = { host: '', address: null as string | null };
  #list: string | null = null;
  #blockers: string | null = null;
  #seesTransactions = true;
  #processes: ServerProcesses | null = null;
  /** When each session was first seen. */
  readonly #since: Map<number, number> = new Map();

  /** Throws when `url` is none. */
  constructor(url: string) {
    const { hostname, port, pathname } = new URL(url);
    this.#url = url.replace(/^mariadb:/i, 'mysql:');
    this.name = decodeURIComponent(pathname.slice(1)) || 'mysql';
    this.where = `${hostname}:${port || 3306}`;
  }

  async open(): Promise<ServerFacts> {
    const connection = await mysql.createConnection({ uri: this.#url, connectTimeout: LIMIT_MS });
    this.#connection = connection;
    // its next statement says so
    connection.on('error', () => {});
    const [facts] = await this.#rows<{
      version: string;
      maxSessions: number;
      id: number;
      database: string | null;
      pidFile: string;
    }>(FACTS);
    if (!facts) throw new Error('it did not say what it is');
    this.#id = facts.id;
    this.#list = await this.#firstOf(LISTS);
    this.#blockers = await this.#firstOf(BLOCKERS);
    this.#seesTransactions = (await this.#firstOf([TRANSACTIONS])) !== null;
    const { localAddress = null, remoteAddress, remotePort } = socketOf(connection);
    const own = (await this.#all()).find(({ id }) => id === facts.id);
    this.#own = { host: hostOf(own?.host ?? null).host, address: localAddress };
    this.#processes = isLocal(remoteAddress) ? ServerProcesses.of(facts.pidFile) : null;
    const [version = ''] = facts.version.split('-');
    return {
      version: `${/mariadb/i.test(facts.version) ? 'MariaDB' : 'MySQL'} ${version}`,
      address: `${remoteAddress}:${remotePort}`,
      database: facts.database ?? this.name,
      maxSessions: facts.maxSessions,
      cores: null,
      missing: [
        ...(this.#seesTransactions
          ? []
          : [
              'Sessions of other users, and how long transactions are open, are not shown: grant PROCESS to the user that watches.',
            ]),
        ...(this.#processes ? [] : ['CPU and memory of the server are not known: it runs elsewhere.']),
      ],
    };
  }

  async look(): Promise<Look> {
    const { rows, transactions } = await this.#see();
    const sessions = { active: 0, idle: 0, 'idle in transaction': 0, other: 0 };
    const waits: Record<string, number> = {};
    for (const row of rows) {
      const transaction = transactions.get(row.id);
      sessions[stateOf(row, transaction)]++;
      if (waitOf(row, transaction) !== null) waits.Lock = (waits.Lock ?? 0) + 1;
    }
    const status = await this.#rows<{ Variable_name: string; Value: string }>(TOTALS);
    const total = (name: string) => Number(status.find(({ Variable_name }) => Variable_name === name)?.Value ?? 0);
    const usage = this.#processes?.usage();
    return {
      sessions,
      waits,
      totals: {
        commits: total('Handler_commit'),
        rollbacks: total('Handler_rollback'),
        deadlocks: total('Innodb_deadlocks'),
        lost: total('Aborted_clients'),
      },
      cpuMs: usage?.cpuMs ?? null,
      memoryBytes: usage?.memoryBytes ?? null,
    };
  }

  async sessions(limit: number): Promise<{ sessions: Session[]; omitted: number }> {
    const { rows, transactions } = await this.#see();
    const blockers = this.#blockers ? await this.#rows<{ waiter: number; blocker: number }>(this.#blockers) : [];
    const importance = ({ id, command }: Row): number => (command !== ASLEEP ? 0 : transactions.has(id) ? 1 : 2);
    rows.sort((a, b) => importance(a) - importance(b) || b.ms - a.ms);
    const sessions = rows.slice(0, limit).map(async (row): Promise<Session> => {
      const { id, db, ms, info } = row;
      const transaction = transactions.get(id);
      const { host, port } = hostOf(row.host);
      return {
        id: String(id),
        address: await this.#addressOf(host),
        port,
        connectionId: String(id),
        application: null,
        database: db,
        state: stateOf(row, transaction),
        stateMs: Math.round(Number(ms)),
        transactionMs: transaction ? Math.round(Number(transaction.ms)) : null,
        ageMs: Math.round(Math.max(Number(ms), performance.now() - (this.#since.get(id) ?? performance.now()))),
        wait: waitOf(row, transaction),
        blockedBy: blockers.filter(({ waiter }) => waiter === id).map(({ blocker }) => String(blocker)),
        statement: info ? sqlShape(info) : null,
      };
    });
    return { sessions: await Promise.all(sessions), omitted: Math.max(0, rows.length - limit) };
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    connection?.destroy();
  }

  isRefusal(error: unknown): boolean {
    return REFUSALS.has((error as { errno?: number } | null)?.errno ?? 0);
  }

  async #see(): Promise<Seen> {
    const rows = (await this.#all()).filter(({ id, command }) => id !== this.#id && !NOT_A_CLIENT.test(command));
    const at = performance.now();
    const ids = new Set(rows.map(({ id }) => id));
    for (const id of ids) if (!this.#since.has(id)) this.#since.set(id, at);
    for (const id of this.#since.keys()) if (!ids.has(id)) this.#since.delete(id);
    const open = this.#seesTransactions ? await this.#rows<Transaction>(TRANSACTIONS) : [];
    return { rows, transactions: new Map(open.map((transaction) => [transaction.id, transaction])) };
  }

  async #all(): Promise<Row[]> {
    return this.#list === null ? [] : this.#rows<Row>(this.#list);
  }

  /** The server looks the names of its clients up. */
  async #addressOf(host: string): Promise<string | null> {
    if (host === '' || isIP(host) !== 0) return host || null;
    if (host === this.#own.host) return this.#own.address;
    return (await lookup(host).catch(() => null))?.address ?? null;
  }

  /** That this server and this user can be asked; null: none. */
  async #firstOf(statements: readonly string[]): Promise<string | null> {
    for (const statement of statements) {
      const isPossible = await this.#rows(statement).then(
        () => true,
        () => false,
      );
      if (isPossible) return statement;
    }
    return null;
  }

  async #rows<T>(sql: string): Promise<T[]> {
    if (!this.#connection) throw new Error('the connection is closed');
    const [rows] = await this.#connection.query<RowDataPacket[]>({ sql, timeout: LIMIT_MS });
    return rows as unknown as T[];
  }
}

function stateOf({ command }: Row, transaction: Transaction | undefined): SessionState {
  if (command !== ASLEEP) return 'active';
  return transaction ? 'idle in transaction' : 'idle';
}

/** Only for locks: of rows, of tables, of `GET_LOCK`. */
function waitOf({ state }: Row, transaction: Transaction | undefined): string | null {
  if (transaction?.state === 'LOCK WAIT') return 'Lock: row';
  return state && /\block\b/i.test(state) && /^(?:waiting|user)/i.test(state) ? `Lock: ${state}` : null;
}

/** `127.0.0.1:40112`; without a port where there is no socket of the network. */
function hostOf(text: string | null): { host: string; port: number | null } {
  const [, host = text ?? '', port] = /^(.*):(\d+)$/.exec(text ?? '') ?? [];
  return { host, port: port ? Number(port) : null };
}

function isLocal(address: string | undefined): boolean {
  return address !== undefined && /^(?:127\.|::1$|::ffff:127\.)/.test(address);
}

function socketOf(connection: Connection): Socket {
  return (connection as unknown as { connection: { stream: Socket } }).connection.stream;
}
