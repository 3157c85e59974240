/** What is to be done for a statement of Oracle's: the SQL gateway's front door. */
import { type Block, parseBlock } from './block.ts';
import { planSql } from './plan-sql.ts';
import type { Statement } from './statement.ts';
import { isSymbol, SqlError, tokenize, trim } from './tokens.ts';

export interface Query {
  kind: 'query';
  statement: Statement;
  /** Locks rows, and so opens a transaction. */
  locks: boolean;
  /** Seconds to wait for a lock; null: for ever. */
  wait: number | null;
}

export interface Dml {
  kind: 'dml';
  verb: string;
  statement: Statement;
  /** Binds that receive what RETURNING gives, in order. */
  into: number[];
}

export type Plan =
  | Query
  | Dml
  | { kind: 'ddl'; texts: string[] }
  | { kind: 'commit' }
  | { kind: 'rollback' }
  /** SAVEPOINT, ROLLBACK TO, SET TRANSACTION, LOCK TABLE: within a transaction, as they stand. */
  | { kind: 'transaction'; text: string }
  | { kind: 'alter-session'; settings: [name: string, value: string][] }
  | { kind: 'kill'; sid: number; serial: number; disconnect: boolean }
  | { kind: 'block'; block: Block };

export type Planned = Plan & {
  /** How many bind variables the client has to describe. */
  binds: number;
};

const BLOCKS = ['BEGIN', 'DECLARE', 'CALL'];

/** Throws `SqlError` for what the stand-in does not know, with a sentence that says so. */
export function plan(sql: string): Planned {
  const first = /^(?:\s|--[^\n]*\n?|\/\*[\s\S]*?\*\/|\()*([\p{L}]+)/u.exec(sql)?.[1]?.toUpperCase() ?? '';
  const block = BLOCKS.includes(first);
  const tokens = trim(tokenize(sql, block));
  const binds = new Set(tokens.filter((token) => token.kind === 'bind').map((token) => token.bind)).size;
  if (block) return { kind: 'block', block: parseBlock(tokens, binds), binds };
  const last = tokens[tokens.length - 1];
  const planned = planSql(first, tokens);
  if (isSymbol(last, ';')) throw new SqlError(933, 'SQL command not properly ended', last?.at);
  return { ...planned, binds };
}
