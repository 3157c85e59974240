/**
 * Redis's side, from `CLIENT LIST` and `INFO`: clients by what they do, who waits in a blocking command, and what the
 * server says of itself. Commands are its transactions: those are what is counted.
 */
import type { Look, ServerFacts, Session, SessionState } from '../probe/recording/database.ts';
import { mask } from '../probe/recording/mask.ts';
import { RedisConnection } from './redis-connection.ts';
import type { DatabaseSide } from './side.ts';

/** Characters of what a client calls itself. */
const MAX_APPLICATION = 100;

/** Of the flags of a client: it is blocked, it is a replica or the master of this server. */
const BLOCKED = 'b';
const NOT_A_CLIENT = /[SMO]/;

type Client = Record<string, string>;

export class RedisSide implements DatabaseSide {
  readonly kind = 'redis';
  readonly name: string;
  readonly where: string;
  readonly #url: URL;
  #connection: RedisConnection | null = null;
  #id = '';

  /** Throws when `url` is none. */
  constructor(url: string) {
    this.#url = new URL(url);
    const { hostname, port, pathname } = this.#url;
    this.name = `redis${pathname.length > 1 ? `-${pathname.slice(1)}` : ''}`;
    this.where = `${hostname}:${port || 6379}`;
  }

  async open(): Promise<ServerFacts> {
    const { username, password } = this.#url;
    const connection = await RedisConnection.to(this.#url);
    this.#connection = connection;
    if (password !== '') {
      const named = username === '' ? [] : [decodeURIComponent(username)];
      await connection.ask('AUTH', ...named, decodeURIComponent(password));
    }
    await connection.ask('CLIENT', 'SETNAME', 'outlive');
    this.#id = await connection.ask('CLIENT', 'ID');
    const info = fieldsOf(await connection.ask('INFO'));
    const maxSessions = Number(info.maxclients ?? Number.NaN);
    return {
      version: `Redis ${info.redis_version ?? ''}`.trim(),
      address: connection.server,
      database: this.#database,
      maxSessions: Number.isNaN(maxSessions) ? null : maxSessions,
      cores: null,
      missing: [],
    };
  }

  get #database(): string {
    return `db${this.#url.pathname.slice(1) || 0}`;
  }

  async look(): Promise<Look> {
    const sessions = { active: 0, idle: 0, 'idle in transaction': 0, other: 0 };
    const waits: Record<string, number> = {};
    for (const client of await this.#clients()) {
      sessions[stateOf(client)]++;
      if (waitOf(client) !== null) waits.Blocked = (waits.Blocked ?? 0) + 1;
    }
    const info = fieldsOf(await this.#ask('INFO'));
    const number = (name: string) => Number(info[name] ?? 0);
    return {
      sessions,
      waits,
      totals: {
        ...{ commits: number('total_commands_processed'), rollbacks: 0, deadlocks: 0 },
        lost: number('rejected_connections'),
      },
      cpuMs: Math.round(1000 * (number('used_cpu_sys') + number('used_cpu_user'))),
      memoryBytes: number('used_memory'),
    };
  }

  async sessions(limit: number): Promise<{ sessions: Session[]; omitted: number }> {
    const clients = await this.#clients();
    const isOfNote = (client: Client): boolean => stateOf(client) !== 'idle';
    clients.sort((a, b) => Number(isOfNote(b)) - Number(isOfNote(a)) || Number(b.idle) - Number(a.idle));
    return { sessions: clients.slice(0, limit).map(sessionOf), omitted: Math.max(0, clients.length - limit) };
  }

  async close(): Promise<void> {
    this.#connection?.close();
    this.#connection = null;
  }

  isRefusal(error: unknown): boolean {
    return /max number of clients/i.test(String((error as Error | null)?.message));
  }

  async #clients(): Promise<Client[]> {
    const lines = (await this.#ask('CLIENT', 'LIST')).split('\n').filter((line) => line !== '');
    return lines.map(clientOf).filter(({ id, flags = '' }) => id !== this.#id && !NOT_A_CLIENT.test(flags));
  }

  async #ask(...words: string[]): Promise<string> {
    if (!this.#connection) throw new Error('the connection is closed');
    return this.#connection.ask(...words);
  }
}

/** `id=3 addr=127.0.0.1:40112 name= age=12 …`. */
function clientOf(line: string): Client {
  return Object.fromEntries(line.split(' ').map((field) => [field.split('=', 1)[0], field.replace(/^[^=]*=/, '')]));
}

/** `name:value` on each line; comments begin with a hash. */
function fieldsOf(info: string): Client {
  return Object.fromEntries(info.split(/\r?\n/).map((line) => [line.split(':', 1)[0], line.replace(/^[^:]*:/, '')]));
}

/** A server with one thread is seen between two commands: only who waits for something is at work. */
function stateOf({ flags = '', multi = '-1', sub = '0', psub = '0', ssub = '0' }: Client): SessionState {
  if (flags.includes(BLOCKED)) return 'active';
  if (Number(multi) >= 0) return 'idle in transaction';
  return Number(sub) + Number(psub) + Number(ssub) > 0 ? 'other' : 'idle';
}

function waitOf({ flags = '', cmd = '' }: Client): string | null {
  return flags.includes(BLOCKED) ? `Blocked: ${cmd}` : null;
}

function sessionOf(client: Client): Session {
  const { id = '', addr = '', age, idle, db = '0', cmd = '' } = client;
  const [, address = null, port] = /^\[?(.*?)\]?:(\d+)$/.exec(addr) ?? [];
  const name = client.name || client['lib-name'] || null;
  return {
    id,
    address,
    port: Number(port) || null,
    connectionId: null,
    application: name && mask(name, MAX_APPLICATION),
    database: `db${db}`,
    state: stateOf(client),
    stateMs: 1000 * Number(idle ?? 0),
    transactionMs: null,
    ageMs: 1000 * Number(age ?? 0),
    wait: waitOf(client),
    blockedBy: [],
    // its name alone, never what it was given
    statement: cmd === '' || cmd === 'NULL' ? null : cmd.replace('|', ' '),
  };
}
