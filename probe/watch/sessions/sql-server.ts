/** Statements of SQL Server that begin and end a transaction, which so stays in a session that is given back. */
import { type Dialect, type Effect, leave, undo } from './effects.ts';

const KEY = 'transaction';
const NEVER = /(?!)/;

const READERS: Readonly<Record<string, (statement: string) => readonly Effect[]>> = {
  // one in another is committed by itself
  begin: (statement) =>
    /^begin\s+(?:distributed\s+)?tran/i.test(statement) ? [leave('transaction', KEY, { isCounted: true })] : [],
  commit: () => [undo('transaction', KEY)],
  rollback: () => [undo('transaction')],
};

export const SQL_SERVER: Dialect = {
  words: new Set(Object.keys(READERS)),
  calls: NEVER,
  opaque: /'(?:[^']|'')*'|"[^"]*"|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?\*\//g,
  idle: new Set(),
  effects: (statement, word) => READERS[word]?.(statement) ?? [],
};
