/** Statements of MySQL and MariaDB that stay in a session. User variables (`@x`) do too, but change nothing. */
import type { AdapterName } from '../../adapters.ts';
import type { Method } from '../../process/around.ts';
import { disguise } from '../../process/disguise.ts';
import { guarded } from '../../process/lapses.ts';
import { answerOf, rowsIn } from './answers.ts';
import type { Answered } from './driver.ts';
import { type Dialect, type Effect, leave, nameOf, undo, type Values } from './effects.ts';

const GET_LOCK = /\b(get_lock|release_lock|release_all_locks)\s*\(\s*([^,()]*(?:\([^()]*\)[^,()]*)*)/gi;

/** … which is of the server, of one statement, of the next transaction or of an account. */
const PASSING = /^set\s+(?:global\b|persist|statement\b|password\b|default\s+role\b|resource\b|transaction\b)/i;
const TRANSACTION = /^set\s+(?:session|local)\s+transaction\b(.*)$/is;
const WORDS = /^set\s+(names|character\s+set|charset|role)\s+(.*)$/is;
const ASSIGNMENT =
  /^\s*(?:(?:@@)?(session|local|global|persist|persist_only)(?:\s+|\s*\.\s*))?(@@)?([\w.`]+)\s*:?=\s*(.*)$/is;
/** What is set for one statement, or tells nothing. */
const OF_A_MOMENT = /^(?:insert_id|last_insert_id|timestamp|rand_seed\d|gtid_next)$/;
/** What it was before, or is by itself. */
const BACK = /^(?:default|@@global\.[\w.]+|@\w[\w.]*|'?@\w+'?)$/i;
const ON_BY_ITSELF = /^(?:autocommit|foreign_key_checks|unique_checks|sql_log_bin)$/;

const TEMPORARY = /^create\s+(?:or\s+replace\s+)?temporary\s+table\s+(?:if\s+not\s+exists\s+)?([\w.`]+)/i;
const DROP = /^drop\s+(?:temporary\s+)?tables?\s+(?:if\s+exists\s+)?([\w.`,\s]+?)(?:\s+(?:cascade|restrict))?$/i;

const BEGIN: Effect = { does: 'begin' };
const COMMIT: Effect = { does: 'commit' };
const ROLL_BACK: Effect = { does: 'roll back' };
/** Of tables alone: a transaction unlocks them. */
const UNLOCK = undo('table lock');
/** Of `FLUSH TABLES WITH READ LOCK`, which a transaction does not undo. */
const ALL_TABLES = 'all tables';

type Reader = (statement: string, values: Values) => readonly Effect[];

const READERS: Readonly<Record<string, Reader>> = {
  begin: (statement) => (/^begin\s+not\s+atomic/i.test(statement) ? [] : [undo('table lock', 'tables'), BEGIN]),
  start: (statement) => (/^start\s+transaction\b/i.test(statement) ? [undo('table lock', 'tables'), BEGIN] : []),
  commit: () => [COMMIT],
  rollback: (statement) => (/^rollback\s+(?:work\s+)?to\b/i.test(statement) ? [] : [ROLL_BACK]),
  set: ofSet,
  use: (statement) => {
    const [, name = ''] = /^use\s+([\w`$-]+)/i.exec(statement) ?? [];
    return name === '' ? [] : [leave('default database', 'database', { value: nameOf(name) })];
  },
  lock: (statement) => (/^lock\s+tables?\b/i.test(statement) ? [UNLOCK, leave('table lock', 'tables')] : []),
  unlock: (statement) => (/^unlock\s+tables?\b/i.test(statement) ? [UNLOCK] : []),
  flush: (statement) =>
    /^flush\s[\s\S]*\bwith\s+read\s+lock$/i.test(statement) ? [leave('table lock', ALL_TABLES)] : [],
  prepare: (statement) => {
    const [, name] = /^prepare\s+([\w`]+)\s+from\b/i.exec(statement) ?? [];
    return name === undefined ? [] : [leave('prepared statement', nameOf(name))];
  },
  deallocate: ofDeallocate,
  create: (statement) => {
    const [, name] = TEMPORARY.exec(statement) ?? [];
    return name === undefined ? [] : [leave('temporary table', nameOf(name))];
  },
  drop: (statement) => {
    if (/^drop\s+prepare\b/i.test(statement)) return ofDeallocate(statement);
    const [, names = ''] = DROP.exec(statement.replace(/\s+/g, ' ')) ?? [];
    return names.split(',').map((name) => undo('temporary table', nameOf(name)));
  },
};

export const MYSQL: Dialect = {
  words: new Set([...Object.keys(READERS), 'select', 'with', 'do', 'call', 'values']),
  calls: /\b(?:get_lock|release_lock|release_all_locks)\s*\(/i,
  opaque:
    /'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|"(?:[^"\\]|\\[\s\S]|"")*(?:"|$)|`[^`]*(?:`|$)|--\s[^\n]*|#[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g,
  idle: new Set(),
  effects: (statement, word, values) => (READERS[word] ?? ofCalls)(statement, values),
};

function ofDeallocate(statement: string): Effect[] {
  const [, name = ''] = /^(?:deallocate|drop)\s+prepare\s+([\w`]+)/i.exec(statement) ?? [];
  return [undo('prepared statement', nameOf(name))];
}

function ofSet(statement: string): Effect[] {
  if (PASSING.test(statement)) return [];
  const [, level] = TRANSACTION.exec(statement) ?? [];
  if (level !== undefined) return [variable('transaction_isolation', level)];
  const [, word, value = ''] = WORDS.exec(statement) ?? [];
  if (word !== undefined) return [variable(word.toLowerCase().startsWith('c') ? 'names' : word.toLowerCase(), value)];
  return assignmentsIn(statement.slice(3)).flatMap((assignment) => {
    const [, scope = 'session', , name = '', to = ''] = ASSIGNMENT.exec(assignment) ?? [];
    const key = nameOf(name);
    if (key === '' || OF_A_MOMENT.test(key) || !/^(?:session|local)$/i.test(scope)) return [];
    return [variable(key, to)];
  });
}

function variable(key: string, text: string): Effect {
  const value = text.trim().toLowerCase();
  const isBack = BACK.test(value) || (key === 'role' && value === 'none');
  if (isBack || (ON_BY_ITSELF.test(key) && /^(?:1|on|true)$/.test(value))) return undo('session variable', key);
  return leave('session variable', key, { value });
}

/** At commas that are in neither brackets nor quotes. */
function assignmentsIn(text: string): string[] {
  return text.match(/(?:[^,'"(]|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|\((?:[^()]|\([^()]*\))*\))+/g) ?? [];
}

function ofCalls(statement: string, values: Values): Effect[] {
  return [...statement.matchAll(GET_LOCK)].map((call): Effect => {
    const [, called = '', argument = ''] = call;
    if (called.toLowerCase() === 'release_all_locks') return undo('named lock');
    // which of the values it is, those before it tell
    const at = statement.slice(0, call.index + call[0].length).split('?').length - 2;
    const name = argument.trim() === '?' ? String(values[at]).slice(0, 100) : argument.replace(/['"\s]/g, '');
    const key = name.toLowerCase();
    return called.toLowerCase() === 'get_lock'
      ? leave('named lock', key, { isCounted: true, answer: answerOf(statement, call.index) })
      : undo('named lock', key);
  });
}

/** A callback of `(error, rows)`, which tells what the server said before it runs. */
export function answering(part: AdapterName, callback: Method, answered: Answered): Method {
  return telling(part, callback, (error, rows) => (error ? answered.fails() : answered.succeeds(rowsIn(rows))));
}

/** The same callback, of whose arguments `tell` is told first. */
export function telling(part: AdapterName, callback: Method, tell: (first: unknown, second: unknown) => void): Method {
  return disguise(function told(this: unknown, first: unknown, second: unknown): unknown {
    guarded(part, tell, first, second);
    return Reflect.apply(callback, this, arguments);
  }, callback);
}
