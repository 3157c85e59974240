/** PostgreSQL's statements that stay in a session. What is of a transaction alone (`SET LOCAL`, `LOCK TABLE`) is not. */
import { answerOf } from './answers.ts';
import { argumentOf, type Dialect, type Effect, leave, nameOf, undo, type Values } from './effects.ts';

/** What `RESET ALL` leaves as it is. */
const NOT_RESET = ['role', 'session authorization'];

/** One level of brackets inside is read. */
const ADVISORY = /pg_(try_)?advisory_(un)?lock(_shared)?\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)/gi;
const UNLOCK_ALL = /pg_advisory_unlock_all\s*\(/i;
const SET_CONFIG =
  /set_config\s*\(\s*(?:'([\w.]+)'|\$(\d{1,3}))(?:::\w+)?\s*,(.{0,300}?),\s*(true|false|'t'|'f'|\$(\d{1,3}))(?:::bool(?:ean)?)?\s*\)/gis;

const SET =
  /^set\s+(?:session\s+(?!authorization|characteristics))?(session\s+authorization|time\s+zone|names|role|schema|[\w."]+)(?:\s*=\s*|\s+to\s+|\s+)(.*)$/is;
/** … which are of one transaction. */
const PASSING =
  /^set\s+(?:local|transaction|constraints|(?:session\s+)?transaction_(?:isolation|read_only|deferrable))\b/i;
const KEYS: Readonly<Record<string, string>> = {
  'time zone': 'timezone',
  names: 'client_encoding',
  schema: 'search_path',
};

const TEMPORARY =
  /^create\s+(?:(?:global|local)\s+)?temp(?:orary)?\s+(?:table|view|sequence)\s+(?:if\s+not\s+exists\s+)?([\w."]+)/i;
const DROP = /^drop\s+(?:table|view|sequence)\s+(?:if\s+exists\s+)?([\w.",\s]+?)(?:\s+(?:cascade|restrict))?$/i;

const BEGIN: Effect = { does: 'begin' };
const COMMIT: Effect = { does: 'commit' };
const ROLL_BACK: Effect = { does: 'roll back' };

type Reader = (statement: string, values: Values) => readonly Effect[];

const READERS: Readonly<Record<string, Reader>> = {
  begin: () => [BEGIN],
  start: () => [BEGIN],
  commit: (statement) => (/^commit\s+prepared/i.test(statement) ? [] : [COMMIT]),
  end: () => [COMMIT],
  savepoint: (statement) => ofSavepoint(statement, /^savepoint\s+([\w"]+)/i, 'save'),
  rollback: (statement) => {
    if (!/^rollback\s+(?:(?:work|transaction)\s+)?(?:to|prepared)\b/i.test(statement)) return [ROLL_BACK];
    return ofSavepoint(statement, /\sto\s+(?:savepoint\s+)?([\w"]+)/i, 'roll back to');
  },
  abort: () => [ROLL_BACK],
  set: ofSet,
  reset: ofReset,
  discard: ofDiscard,
  listen: (statement) =>
    named(statement, /^listen\s+([\w"]+)/i, (name) => leave('subscription', name, { goesByRollback: true })),
  unlisten: (statement) => {
    const [, name = '*'] = /^unlisten\s+(\*|[\w"]+)/i.exec(statement) ?? [];
    return [undo('subscription', name === '*' ? null : nameOf(name))];
  },
  prepare: (statement) =>
    /^prepare\s+transaction\b/i.test(statement)
      ? [COMMIT]
      : named(statement, /^prepare\s+([\w"]+)/i, (name) => leave('prepared statement', name)),
  deallocate: (statement) => {
    const [, name = 'all'] = /^deallocate\s+(?:prepare\s+)?([\w"]+)/i.exec(statement) ?? [];
    return [undo('prepared statement', nameOf(name) === 'all' ? null : nameOf(name))];
  },
  create: (statement) =>
    /\bon\s+commit\s+drop\b/i.test(statement)
      ? []
      : named(statement, TEMPORARY, (name) => leave('temporary table', ofTemp(name), { goesByRollback: true })),
  drop: (statement) => {
    const [, names = ''] = DROP.exec(statement.replace(/\s+/g, ' ')) ?? [];
    return names.split(',').map((name) => undo('temporary table', ofTemp(nameOf(name))));
  },
};

export const POSTGRES: Dialect = {
  words: new Set([...Object.keys(READERS), 'select', 'with', 'do', 'call', 'values']),
  calls: /pg_(?:try_)?advisory_(?:un)?lock|set_config/i,
  opaque:
    /\be'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)|"[^"]*(?:"|$)|(\$(?:[a-z_]\w*)?\$)[\s\S]*?(?:\1|$)|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/gi,
  idle: new Set(),
  effects: (statement, word, values) => (READERS[word] ?? ofCalls)(statement, values),
};

function named(statement: string, pattern: RegExp, effect: (name: string) => Effect): Effect[] {
  const [, name] = pattern.exec(statement) ?? [];
  return name === undefined ? [] : [effect(nameOf(name))];
}

function ofSavepoint(statement: string, pattern: RegExp, does: 'save' | 'roll back to'): Effect[] {
  return named(statement, pattern, (name) => ({ does, name }));
}

function ofTemp(name: string): string {
  return name.replace(/^pg_temp\./, '');
}

function ofSet(statement: string): Effect[] {
  if (PASSING.test(statement)) return [];
  if (/^set\s+session\s+characteristics\b/i.test(statement)) return [setting('transaction characteristics', statement)];
  const [, name = '', value = ''] = SET.exec(statement) ?? [];
  const key = nameOf(name).replace(/\s+/g, ' ');
  return key === '' ? [] : [setting(KEYS[key] ?? key, value.trim())];
}

function setting(key: string, value: string): Effect {
  const isBack =
    /^(?:to\s+|=\s*)?(?:default|none|local)$/i.test(value) && (key !== 'search_path' || !/none|local/i.test(value));
  return isBack ? undo('setting', key) : leave('setting', key, { value: value.toLowerCase(), goesByRollback: true });
}

function ofReset(statement: string): Effect[] {
  const [, name = ''] = /^reset\s+(session\s+authorization|time\s+zone|[\w."]+)/i.exec(statement) ?? [];
  const key = nameOf(name).replace(/\s+/g, ' ');
  return [key === 'all' ? undo('setting', null, NOT_RESET) : undo('setting', KEYS[key] ?? key)];
}

function ofDiscard(statement: string): Effect[] {
  if (/^discard\s+all\b/i.test(statement)) return [undo(null)];
  return /^discard\s+temp/i.test(statement) ? [undo('temporary table')] : [];
}

function ofCalls(statement: string, values: Values): Effect[] {
  const effects: Effect[] = [];
  if (UNLOCK_ALL.test(statement)) effects.push(undo('advisory lock'));
  for (const call of statement.matchAll(ADVISORY)) {
    const [, tried, un, shared = '', key = ''] = call;
    const own = `${argumentOf(key, values)}${shared.toLowerCase()}`;
    const lock = { isCounted: true, answer: tried ? answerOf(statement, call.index) : null };
    effects.push(un ? undo('advisory lock', own) : leave('advisory lock', own, lock));
  }
  for (const [, written, bound, value = '', local, boundLocal] of statement.matchAll(SET_CONFIG)) {
    const isLocal =
      boundLocal === undefined ? /^(?:true|'t')$/i.test(local ?? '') : values[Number(boundLocal) - 1] !== false;
    if (isLocal) continue;
    const key = nameOf(written ?? String(values[Number(bound) - 1]));
    effects.push(leave('setting', key, { value: argumentOf(value, values), goesByRollback: true }));
  }
  return effects;
}
